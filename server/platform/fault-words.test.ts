/** Faults of an input, in words that a user can act on. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { GivenTime } from '../../contract/wire.ts'
import { faultWords } from './fault-words.ts'

const words = (type: z.ZodType, value: unknown) => {
  const { error } = type.safeParse(value, { error: faultWords })
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
}
const Shape = z.strictObject({ name: z.string().min(1).max(3).optional(), count: z.int().min(2).max(9).optional() })
const kind = (name: string) => z.object({ kind: z.literal(name) })
const Kinds = z.discriminatedUnion('kind', [kind('a'), kind('b')])
const long = Array.from({ length: 60 }, (_, index) => `value_${index}`)

test.each<[string, z.ZodType, unknown, string]>([
  ['a field that there is not', Shape, { nam: 'a' }, ': must not have "nam"; allowed: name, count'],
  ['two', Shape, { a: 1, b: 2 }, ': must not have "a", "b"; allowed: name, count'],
  ['nothing', z.object({ q: z.string() }), {}, 'q: is required'],
  ['another kind', Shape, { name: 7 }, 'name: must be a string'],
  ['a part of a number', Shape, { count: 2.5 }, 'count: must be a whole number'],
  ['a text for a list', z.array(z.string()), 'a', ': must be an array'],
  ['too short', Shape, { name: '' }, 'name: must not be empty'],
  ['too long', Shape, { name: 'abcd' }, 'name: must have at most 3 characters'],
  ['too little', Shape, { count: 1 }, 'count: must be at least 2'],
  ['too much', Shape, { count: 10 }, 'count: must be at most 9'],
  ['too many', z.array(z.string()).max(1), ['a', 'b'], ': must have at most 1 item'],
  ['none of them', z.enum(['one', 'two']), 'three', ': must be one of: one, two'],
  ['not the only one', z.literal(true), false, ': must be true'],
  ['no time', GivenTime, 'today', ': must be a time such as 2026-11-30T08:00:00Z'],
  ['no year', GivenTime, '9999-12-31T23:59:59-12:00', ': must be in the years 0000 to 9999'],
  ['no time at all', z.iso.datetime(), 'today', ': must be a time such as 2026-11-30T08:00:00Z'],
  ['neither', z.union([z.string(), z.null()]), 3, ': must be a string, or must be null'],
  [
    'neither, inside',
    z.union([z.object({ a: z.string() }), z.null()]),
    { a: 1 },
    ': its a must be a string, or must be null',
  ],
  [
    'neither of two shapes',
    z.union([z.strictObject({ folder: z.string() }), z.strictObject({ role: z.enum(['archive', 'trash']) })]),
    { path: 'Trash' },
    ': its folder is required, or its role must be one of: archive, trash',
  ],
  [
    'a union that is not there',
    z.object({ to: z.union([z.literal('all'), z.array(z.string())]) }),
    {},
    'to: is required',
  ],
  ['a kind that there is not', Kinds, { kind: 'c' }, 'kind: must be one of: a, b'],
  ['a kind that is missing', Kinds, {}, 'kind: must be one of: a, b'],
  ['what the schema says itself', z.string('is not my word'), 3, ': is not my word'],
])('%s', (_, type, value, said) => expect(words(type, value)).toBe(said))

test('of a long list the beginning is named, and no name is cut', () => {
  const said = words(z.enum(long as [string]), 'other')!
  expect(said).toMatch(/^: must be one of: value_0, value_1, .*value_\d+, …$/)
  expect(said.length).toBeLessThan(260)
})

test.each([
  ['2026-11-30T08:00:00Z', '2026-11-30T08:00:00.000Z'],
  ['2026-11-30T08:00:00.5+01:00', '2026-11-30T07:00:00.500Z'],
  ['2026-11-30T08:00:00.123456Z', '2026-11-30T08:00:00.123Z'],
])('a time in a request may be written as the words show it, or with an offset: %s', (given, time) => {
  expect(GivenTime.parse(given)).toBe(time)
})
