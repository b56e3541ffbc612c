/** Selecting a row or a range, and keeping both valid when the list changes. */
import { expect, test } from 'vitest'
import type { MailRow } from './mail-row.ts'
import { extend, mostSelected, noSelection, selectToEnd, toggle, within } from './selection.ts'
import { nextOf } from './use-list-handle.ts'

const rows = Array.from({ length: mostSelected + 10 }, (_, index) => ({ key: `row-${index}` }) as MailRow)
const keysOf = ({ keys }: { keys: ReadonlySet<string> }) => [...keys]

test('a row is selected, and a second press takes it back', () => {
  const one = toggle(noSelection, 'row-3')
  expect(keysOf(one)).toEqual(['row-3'])
  expect(keysOf(toggle(one, 'row-3'))).toEqual([])
  expect(keysOf(noSelection)).toEqual([])
})

test('a range reaches from the last one to this one, upwards too, and begins with this one where there is none', () => {
  expect(keysOf(extend(noSelection, 'row-2', rows))).toEqual(['row-2'])
  const from = toggle(noSelection, 'row-5')
  expect(keysOf(extend(from, 'row-7', rows))).toEqual(['row-5', 'row-6', 'row-7'])
  expect(keysOf(extend(from, 'row-3', rows)).toSorted()).toEqual(['row-3', 'row-4', 'row-5'])
  // A second range starts from the same anchor.
  expect(keysOf(extend(extend(from, 'row-7', rows), 'row-4', rows)).toSorted()).toEqual([
    'row-4',
    'row-5',
    'row-6',
    'row-7',
  ])
  expect(extend(from, 'row-none', rows).keys).toEqual(from.keys)
})

test('no more than a thousand are selected, those nearest to where it began', () => {
  const last = `row-${rows.length - 1}`
  const down = extend(toggle(noSelection, 'row-0'), last, rows)
  expect([down.keys.size, down.keys.has('row-1'), down.keys.has(last)]).toEqual([mostSelected, true, false])
  const up = extend(toggle(noSelection, last), 'row-0', rows)
  expect([up.keys.size, up.keys.has('row-0'), up.keys.has(`row-${rows.length - 2}`)]).toEqual([
    mostSelected,
    false,
    true,
  ])
  expect(toggle(down, last).keys.size).toBe(mostSelected)
})

test('all of a list are selected as far as they may be; new mail above is not', () => {
  const some = selectToEnd(noSelection, rows.slice(5, 8))
  expect(keysOf(some)).toEqual(['row-5', 'row-6', 'row-7'])
  expect(keysOf(selectToEnd(some, rows.slice(0, 10))).toSorted()).toEqual(['row-5', 'row-6', 'row-7', 'row-8', 'row-9'])
  expect(selectToEnd(some, rows.slice(0, 8)).keys).toEqual(some.keys)
  expect(selectToEnd(noSelection, rows).keys.size).toBe(mostSelected)
})

test('where one goes on is behind what leaves, else before it', () => {
  const few = rows.slice(0, 4)
  expect(nextOf(few, new Set(['row-1', 'row-2']))).toBe(3)
  expect(nextOf(few, new Set(['row-0', 'row-2']))).toBe(3)
  expect(nextOf(few, new Set(['row-2', 'row-3']))).toBe(1)
  expect(nextOf(few, new Set(few.map(({ key }) => key)))).toBe(-1)
})

test('what left the list is no longer selected', () => {
  const two = toggle(toggle(noSelection, 'row-1'), 'row-2')
  expect(within(two, rows)).toBe(two)
  expect(keysOf(within(two, rows.slice(2)))).toEqual(['row-2'])
})
