/** Which series and rows a caller is shown, in which step, and what is refused in words. */
import { expect, test } from 'vitest'
import { scopeSet } from '../platform/principal.ts'
import type { Points, SeriesQuery } from './history-reader.ts'
import { HistoryService, stepFor } from './history-service.ts'
import type { MarkRow } from './history-tables.ts'
import { observe } from './point.ts'
import type { Labels } from './series.ts'

const now = Date.parse('2026-11-29T12:00:00Z')
const all = { accounts: 'all', scopes: scopeSet(['dashboard:admin', 'dashboard:read']) } as const
const some = { ...all, accounts: new Set(['a']) }
const hourAgo = '2026-11-29T11:00:00.000Z'

function setUp(rows: [Labels, Points][] = [], extraMarks: MarkRow[] = []) {
  const asked: SeriesQuery[] = []
  const reader = {
    read: async (query: SeriesQuery) => {
      asked.push(query)
      return new Map(
        rows.filter(([labels]) => query.where(labels)).map(([labels, points]) => [query.groupOf(labels), points]),
      )
    },
  }
  const marks = [
    { id: '2', at: now / 1000 - 10, kind: 'account', account_id: 'b', words: 'b is away' },
    { id: '1', at: now / 1000 - 20, kind: 'restart', account_id: null, words: 'Started.' },
    ...extraMarks,
  ]
  const store = { listMarks: async () => marks }
  return { asked, history: new HistoryService({ reader, store, waitingMarks: () => [], now: () => now }) }
}

test('series of the whole server are for callers that see all accounts', async () => {
  const { history } = setUp()
  expect(history.listSeries(all).map(({ name }) => name)).toContain('operation_time')
  expect(history.listSeries(some).map(({ name }) => name)).not.toContain('operation_time')
  await expect(history.get(some, { series: 'operation_time', from: hourAgo })).rejects.toMatchObject({
    code: 'forbidden',
  })
  await history.get(all, { series: 'operation_time', from: hourAgo })
})

test('rows of accounts are those that the caller sees, one account where it is asked for, and marks likewise', async () => {
  const at = now / 1000 - 3600
  const points = (sum: number): Points => new Map([[at, { count: 1, sum, min: sum, max: sum }]])
  const rows: [Labels, Points][] = [
    [{ account_id: 'a' }, points(1)],
    [{ account_id: 'b' }, points(5)],
  ]
  const { history } = setUp(rows)
  const query = { series: 'mail_received', from: hourAgo, group_by: 'account_id' } as const
  const whole = await history.get(all, query)
  expect(whole.groups.map(({ label, total }) => [label, total.sum])).toEqual([
    ['b', [5]],
    ['a', [1]],
  ])
  expect(whole.marks.map(({ words }) => words)).toEqual(['Started.', 'b is away'])
  // A table needs no more than totals.
  const totals = await history.get(all, { ...query, lines: 1 })
  expect(totals.groups.map(({ total, points: { sum } }) => [total.sum, sum])).toEqual([
    [[5], [5]],
    [[1], []],
  ])
  const narrow = await history.get(some, query)
  expect(narrow.groups.map(({ label }) => label)).toEqual(['a'])
  expect(narrow.marks.map(({ words }) => words)).toEqual(['Started.'])
  expect((await history.get(some, { ...query, account_id: 'b' })).groups).toEqual([])
})

test('durations have quantiles of the step and of the whole range', async () => {
  const points: Points = new Map()
  const at = now / 1000 - 3600
  for (let ms = 1; ms <= 100; ms++) points.set(at + (ms % 2) * 5, observe(points.get(at + (ms % 2) * 5), ms))
  const { history } = setUp([[{}, points]])
  const {
    groups,
    unit,
    step_seconds: step,
  } = await history.get(all, { series: 'response_time', from: hourAgo, step: '5s' })
  expect([unit, step, groups[0]!.points.count]).toEqual(['ms', 5, [50, 50]])
  const { total } = groups[0]!
  expect([total.count, total.min, total.max, total.sum]).toEqual([[100], [1], [100], [5050]])
  expect(total.p95![0]).toBeGreaterThan(95 * 0.94)
  expect(total.p95![0]).toBeLessThan(95 * 1.06)
})

test('the finest step that is kept that far back and can be drawn is chosen; what cannot be answered is refused in words', async () => {
  const seconds = now / 1000
  const hour = 3600
  const ranges = [hour, 24 * hour, 7 * 24 * hour, 30 * 24 * hour, 365 * 24 * hour]
  // An hour has 720 samples, a day 1,440 minutes, 30 days 2,880 quarters of an hour.
  expect(ranges.map(range => stepFor(seconds - range, seconds, seconds))).toEqual([5, 60, 900, 900, 86_400])
  expect(stepFor(seconds - 12 * hour, seconds, seconds)).toBe(60)
  // An hour of long ago is there in no short step any more.
  expect(stepFor(seconds - 24 * 30 * hour, seconds - 24 * 30 * hour + hour, seconds)).toBe(900)
  const { history } = setUp()
  for (const [query, word] of [
    [{ series: 'nothing', from: hourAgo }, 'series'],
    [{ series: 'requests', from: '2026-11-29T13:00:00.000Z' }, 'from'],
    [{ series: 'requests', from: hourAgo, group_by: 'tool' }, 'group_by'],
    [{ series: 'requests', from: hourAgo, account_id: 'a' }, 'account_id'],
    [{ series: 'requests', from: '2020-01-01T00:00:00.000Z', step: '5s' }, 'step'],
  ] as const) {
    await expect(history.get(all, query)).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining(word),
    })
  }
})

test('marks of tokens are for callers that may list tokens, those of webhooks for callers that see all of them, as the facts are', async () => {
  const of = (kind: string): MarkRow => ({ id: kind, at: now / 1000 - 30, kind, account_id: null, words: kind })
  const { history } = setUp([], [of('token'), of('webhook')])
  const seenBy = async (sight: Parameters<typeof history.get>[0]) =>
    (await history.get(sight, { series: 'up', from: hourAgo })).marks.map(({ kind }) => kind)
  expect(await seenBy(all)).toEqual(['webhook', 'token', 'restart', 'account'])
  expect(await seenBy(some)).toEqual(['token', 'restart'])
  expect(await seenBy({ ...all, scopes: scopeSet(['dashboard:read']) })).toEqual(['restart', 'account'])
})
