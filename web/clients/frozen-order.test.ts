/** Rows do not move under the pointer. */
import { expect, test } from 'vitest'
import { frozenRows } from './frozen-order.ts'

test('values change in place, rows that go are marked, and new ones wait', () => {
  const shown = [
    { id: 'a', count: 1 },
    { id: 'b', count: 1 },
  ]
  const fresh = [
    { id: 'c', count: 9 },
    { id: 'b', count: 2 },
  ]
  expect(frozenRows(shown, fresh)).toEqual({
    rows: [
      { id: 'a', count: 1 },
      { id: 'b', count: 2 },
    ],
    gone: new Set(['a']),
    waiting: 1,
  })
})

test('when nothing is held the fresh rows are shown as they came', () => {
  const fresh = [{ id: 'b' }, { id: 'a' }]
  expect(frozenRows(fresh, fresh)).toEqual({ rows: fresh, gone: new Set(), waiting: 0 })
})
