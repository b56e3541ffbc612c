/** The address of the log page, its levels, and merging of new lines. */
import { expect, test } from 'vitest'
import type { LogLine } from '../../contract/logs.ts'
import {
  exportAddress,
  fieldWords,
  filterOf,
  hasFilter,
  joined,
  levelsFrom,
  logsAddress,
  viewDefaults,
} from './log-view.ts'

const line = (number: number): LogLine => ({
  ...{ number, at: '2026-11-29T08:00:00.000Z', level: 'info', message: `line ${number}` },
  ...{ account_id: null, request_id: null, fields: {}, error: null },
})
const shown = (...numbers: number[]) => ({
  items: numbers.map(line),
  newest: `r-${numbers[0] ?? 0}`,
  next_cursor: null,
})

test('the file and the link carry the filter', () => {
  const view = { ...viewDefaults, request: 'r 1', level: 'warn' }
  expect(exportAddress(view)).toBe('/api/dashboard/logs/export?level=warn&request_id=r+1')
  expect(logsAddress({ account: 'a&b' })).toBe('/logs?account=a%26b')
  expect([hasFilter(view), hasFilter(viewDefaults), filterOf(viewDefaults).q]).toEqual([true, false, undefined])
})

test('only levels that are written can be chosen', () => {
  expect(levelsFrom('warn')).toEqual(['warn', 'error'])
  expect(levelsFrom('debug')).toEqual(['debug', 'info', 'warn', 'error'])
  expect(levelsFrom(undefined)).toEqual(levelsFrom('silent'))
})

test('what came since stands first; what has a hole begins again; what is too much goes', () => {
  const known = { ...shown(3, 2), next_cursor: 'r-2' }
  const fresh = { ...shown(5, 4), is_complete: true }
  expect(joined(known, fresh)).toMatchObject({ items: [5, 4, 3, 2].map(line), newest: 'r-5', next_cursor: 'r-2' })
  expect(joined(known, { ...shown(), is_complete: true }).items).toBe(known.items)
  expect(joined(known, { ...fresh, is_complete: false }).items).toEqual(fresh.items)
  const many = shown(...Array.from({ length: 2_000 }, (_, index) => 2_000 - index))
  const more = joined(many, { ...shown(2_001), is_complete: true })
  expect([more.items.length, more.items[0]!.number, more.items.at(-1)!.number]).toEqual([2_000, 2_001, 2])
})

test('a line says in one line what it says', () => {
  const error = { type: 'Error', message: 'full', stack: 'Error: full\n at x' }
  expect(fieldWords({ ...line(1), account_id: 'a', fields: { host: 'x' }, error })).toBe(
    'Error: full  account=a  host=x',
  )
})
