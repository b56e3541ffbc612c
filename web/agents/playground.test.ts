/** The playground's form sends what the schema asks for and nothing else, and its log is bounded. */
import { expect, test } from 'vitest'
import { type Frame, maxFrames, maxFrameText, withFrame } from './frame-log.ts'
import { builtFrom, fieldsOf } from './schema-fields.ts'

const schema = {
  type: 'object',
  required: ['refs'],
  properties: {
    q: { type: 'string', description: 'Query' },
    limit: { type: 'integer', minimum: 1, maximum: 50, default: 20 },
    sort: { type: 'string', enum: ['date', 'relevance'] },
    all: { type: 'boolean' },
    refs: { type: 'array', items: { type: 'string' } },
    policy: { type: 'object', properties: {} },
    size: { type: ['number', 'null'] },
  },
}
const fields = fieldsOf(schema)

test('each part of a schema has a field that fits it', () => {
  expect(fields.map(({ name, kind }) => [name, kind])).toEqual([
    ['q', 'text'],
    ['limit', 'number'],
    ['sort', 'choice'],
    ['all', 'boolean'],
    ['refs', 'lines'],
    ['policy', 'json'],
    ['size', 'number'],
  ])
  expect(fields.map(({ hint }) => hint)).toEqual(['Query', '1 to 50; default: 20', '', '', 'One per line', '', ''])
  expect(fieldsOf({ type: 'object' })).toEqual([])
})

test('what is typed becomes JSON, and what is empty is left out', () => {
  const typed = {
    q: 'lunch',
    limit: '5',
    sort: 'date',
    all: 'true',
    refs: ' a\n\nb ',
    policy: '{"x": [1]}',
    size: '1.5',
  }
  expect(builtFrom(fields, typed)).toEqual({
    value: { q: 'lunch', limit: 5, sort: 'date', all: true, refs: ['a', 'b'], policy: { x: [1] }, size: 1.5 },
  })
  expect(builtFrom(fields, { refs: 'a' })).toEqual({ value: { refs: ['a'] } })
})

test('what does not fit is said at its field', () => {
  expect(builtFrom(fields, { limit: '1.5', size: 'many', policy: '{', sort: 'age' })).toEqual({
    faults: {
      limit: 'Not a whole number.',
      size: 'Not a number.',
      policy: 'Not valid JSON.',
      sort: 'Not one of the choices.',
      refs: 'This is required.',
    },
  })
})

test('frames are named by what they are, newest first, and bounded', () => {
  let frames: Frame[] = []
  frames = withFrame(frames, 'sent', { id: 1, method: 'tools/list' }, 0)
  frames = withFrame(frames, 'received', { id: 1, result: { tools: 'x'.repeat(50_000) } }, 1)
  frames = withFrame(frames, 'received', { id: 2, error: { code: -32_602 } }, 2)
  frames = withFrame(frames, 'sent', { method: 'notifications/cancelled' }, 3)
  expect(frames.map(({ title }) => title)).toEqual([
    'notifications/cancelled',
    'error #2',
    'result #1',
    'tools/list #1',
  ])
  expect(frames[2]).toMatchObject({ omitted: expect.any(Number) })
  expect([frames[2]!.text.length, frames[2]!.omitted > 0]).toEqual([maxFrameText, true])
  for (let n = 0; n < 300; n++) frames = withFrame(frames, 'sent', { id: n, method: 'ping' }, n)
  expect(frames).toHaveLength(maxFrames)
  expect(new Set(frames.map(({ id }) => id)).size).toBe(maxFrames)
})
