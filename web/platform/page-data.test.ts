/** Small pure parts of the platform: addresses, readings, freshness, formatting. */
import { expect, test } from 'vitest'
import type { DashboardStats } from '../../contract/metrics.ts'
import { agentWords } from './agent-words.ts'
import { addressOf } from './api-client.ts'
import { formatBytes, formatDuration, formatNumber, formatRelative, formatSpan } from './format.ts'
import { freshnessOf } from './live.tsx'
import { changesIndexOf, keysOutdatedBy, queryKeys } from './query-keys.ts'
import { appendSample } from './sample-ring.ts'
import { readState, writeState } from './url-state.ts'

test('parameters and queries are escaped into the address; what is undefined is left out', () => {
  expect(addressOf('/a/{id}/b', { id: 'x/y ?' }, { folder: 'Ü & Co', limit: 5, cursor: undefined })).toBe(
    '/a/x%2Fy%20%3F/b?folder=%C3%9C+%26+Co&limit=5',
  )
})

const at = Date.parse('2026-11-22T18:00:00.000Z') / 1000
const stats = (seconds: number) =>
  ({
    sampled_at: new Date((at + seconds) * 1000).toISOString(),
    response_time_ms: { p50: 1, p95: 2, p99: 3 },
    active_connections: 4,
  }) as DashboardStats

test('a reading is appended once, and those older than 15 minutes go', () => {
  let samples = { interval_seconds: 5, items: [] as ReturnType<typeof appendSample>['items'] }
  for (let seconds = 0; seconds <= 3600; seconds += 5) {
    samples = appendSample(appendSample(samples, stats(seconds)), stats(seconds))
  }
  expect(samples.items).toHaveLength(181)
  expect(samples.items.at(-1)).toMatchObject({ at: at + 3600, active_connections: 4, p95_ms: 2 })
})

test('figures are fresh while the stream lives and they keep coming, and not after three seconds of trouble', () => {
  const now = 100_000
  const facts = { state: 'live' as const, troubleSince: null, lastHeardAt: now, updatedAt: now - 10_000, now }
  expect(freshnessOf({ ...facts, intervalMs: 5_000 })).toEqual({ isStale: false })
  expect(freshnessOf({ ...facts, intervalMs: 3_000 })).toEqual({ isStale: true, asOf: now - 10_000 })
  expect(freshnessOf({ ...facts, intervalMs: undefined })).toEqual({ isStale: false })
  const lost = { ...facts, state: 'reconnecting' as const, lastHeardAt: now - 4_000, intervalMs: undefined }
  expect(freshnessOf({ ...lost, troubleSince: now - 2_000 })).toEqual({ isStale: false })
  expect(freshnessOf({ ...lost, troubleSince: now - 3_500 })).toEqual({ isStale: true, asOf: now - 4_000 })
})

test('new mail makes the folder and its counts old, and no other account', () => {
  const event = {
    type: 'mail_received' as const,
    data: { account_id: 'a', folder: 'INBOX', uid: 1, uid_validity: 1, at: '2026-11-22T18:00:00.000Z' },
  }
  const keys = keysOutdatedBy(event)
  expect(keys).toContainEqual(['mail', 'a', 'folders'])
  expect(keys).toContainEqual(['mail', 'a', 'messages', 'INBOX'])
  expect(keys).not.toContainEqual(['mail', 'a'])
})

test('the index of an account is asked for again when its mail came, went or changed, and is old when the account is', () => {
  const at = '2026-11-22T18:00:00.000Z'
  const received = {
    type: 'mail_received' as const,
    data: { account_id: 'a', folder: 'INBOX', uid: 1, uid_validity: 1, at },
  }
  const removed = { type: 'mail_removed' as const, data: { account_id: 'a', messages: [], at } }
  const counts = { added: 1, changed: 0, removed: 0, total: 1, unread: 1, modseq: 1 }
  const folder = { account_id: 'a', folder: 'INBOX', event: 'changed' as const, ...counts, at }
  const changed = { type: 'folder_changed' as const, data: folder }
  const gone = {
    type: 'account_removed' as const,
    data: { account_id: 'a', name: 'A', email: 'a@x', is_sandbox: false, at },
  }
  const all = [received, removed, changed, gone]
  expect(all.map(event => changesIndexOf('a', event))).toEqual([true, true, true, false])
  expect(all.map(event => changesIndexOf('b', event))).toEqual([false, false, false, false])
  const begins = (key: readonly string[]) => key.every((part, index) => queryKeys.index('a')[index] === part)
  expect(all.map(event => keysOutdatedBy(event).some(begins))).toEqual([false, false, false, true])
})

test('what equals its default is not in the address, and foreign parameters stay', () => {
  const defaults = { page: '1', filter: '' }
  const search = writeState(new URLSearchParams('x=1&page=3'), defaults, { page: '1', filter: 'curl' })
  expect(search.toString()).toBe('x=1&filter=curl')
  expect(readState(search, defaults)).toEqual({ page: '1', filter: 'curl' })
})

test.each([
  [
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
    'Chrome 156 on Linux',
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0',
    'Edge 156 on Windows',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1',
    'Safari 19 on iOS',
  ],
  ['curl/8.10.1', 'curl 8.10'],
  ['node', 'node'],
  ['', 'Unknown program'],
])('%s is read as %s', (userAgent, words) => expect(agentWords(userAgent)).toBe(words))

test('figures read well', () => {
  expect([formatNumber(12), formatNumber(12.44), formatNumber(1234.5)]).toEqual(['12', '12.4', '1,235'])
  expect([formatBytes(0), formatBytes(999), formatBytes(112e6)]).toEqual(['0 B', '999 B', '112 MB'])
  expect([formatDuration(0), formatDuration(65), formatDuration(93_700)]).toEqual(['0 s', '1 min 5 s', '1 d 2 h'])
  expect([formatRelative(0, 90_000), formatRelative(5_000, 0), formatRelative(0, 500)]).toEqual([
    '1 min ago',
    'in 5 s',
    'now',
  ])
})

test('what lies ahead is rounded up, so that 30 days just chosen are not 29', () => {
  const dayMs = 86_400_000
  const ahead = [30 * dayMs - 3_000, 24 * 3_600_000 - 2_000, 3_599_000, 61_000, 60_000]
  expect(ahead.map(ms => formatRelative(ms, 0))).toEqual(['in 30 d', 'in 1 d', 'in 1 h', 'in 2 min', 'in 1 min'])
  expect(formatRelative(0, 30 * dayMs - 3_000)).toBe('29 d ago')
})

test('a span says once what both ends share', () => {
  // Builds a time in the reader's time zone.
  const at = (day: number, hour: number) => new Date(2026, 11, day, hour).getTime()
  const said = (from: number, to: number) => formatSpan(from, to).replaceAll(/\s/g, ' ')
  expect(said(at(1, 9), at(1, 10))).toMatch(/^1 Dec 2026, 09:00 ?– ?10:00$/)
  expect(said(at(1, 9), at(2, 10))).toMatch(/^1 Dec 2026, 09:00 ?– ?2 Dec 2026, 10:00$/)
  expect(said(at(1, 9), at(1, 9))).toBe('1 Dec 2026, 09:00')
  // A span that ends before it begins is formatted as its beginning.
  expect(said(at(2, 9), at(1, 9))).toBe('2 Dec 2026, 09:00')
})
