/** What is wrong with an input is said once for each place, and without what only follows from it. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { checkValue } from './http-input.ts'

const faultsOf = (type: z.ZodType, value: unknown) => {
  const checked = checkValue(type, value)
  return 'faults' in checked ? checked.faults.map(({ path, message }) => `${path}: ${message}`) : []
}

test('a value of the wrong kind is not measured as well', () => {
  const Names = z.object({ names: z.array(z.string().max(2)).max(3), one: z.string().max(3) })
  expect(faultsOf(Names, { names: 'a long text', one: ['a', 'b', 'c', 'd'] })).toEqual([
    'names: must be an array',
    'one: must be a string',
  ])
  // Each item has its own place.
  expect(faultsOf(Names, { names: [1, 'abc'], one: 'a' })).toEqual([
    'names.0: must be a string',
    'names.1: must have at most 2 characters',
  ])
})

test('the same words about the same place are said once', () => {
  const Address = z.string().regex(/@/, 'is not an email address').regex(/\./, 'is not an email address')
  expect(faultsOf(z.object({ to: Address }), { to: 'x' })).toEqual(['to: is not an email address'])
  expect(faultsOf(z.object({ to: Address.max(1) }), { to: 'xy' })).toHaveLength(2)
})
