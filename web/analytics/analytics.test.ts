/** The data behind the charts: steps and gaps, extremes per pixel, the previous period, appended ranges, CSV, texts. */
import { expect, test } from 'vitest'
import type { History, HistoryPoints } from '../../contract/history.ts'
import type { ChartInfo } from './chart-list.ts'
import { appendHistory, mostLines, rateWords, shapeOf } from './chart-shape.ts'
import { csvOf } from './history-csv.ts'
import { lineWords, marksNear, momentWords, nearWords, wholeWords } from './line-words.ts'
import { countOf, groupMarks } from './mark-groups.ts'
import { zoneAt } from './time-labels.ts'
import {
  addressOfWindow,
  bounded,
  coarseStepFor,
  moved,
  shorterRange,
  stepFor,
  timeBefore,
  windowOf,
  zoomed,
} from './time-range.ts'
import { callersOf, namesOfPrincipals, slowestOf } from './usage.ts'

const noon = Date.parse('2026-11-29T12:00:00Z') / 1000
const hour = 3_600
const day = 24 * hour

function points(all: readonly [at: number, count: number, sum: number, min: number, max: number][]): HistoryPoints {
  const column = (place: 0 | 1 | 2 | 3 | 4) => all.map(point => point[place])
  return { at: column(0), count: column(1), sum: column(2), min: column(3), max: column(4) }
}

function historyOf(
  of: Partial<History> & { points?: HistoryPoints },
  groups = [{ label: null as string | null, points: of.points ?? points([]) }],
): History {
  const { points: _points, ...rest } = of
  return {
    series: 'requests',
    kind: 'count',
    unit: 'count',
    step_seconds: 60,
    from: new Date((noon - hour) * 1000).toISOString(),
    to: new Date(noon * 1000).toISOString(),
    kept_since: '2026-11-27T12:00:00.000Z',
    groups: groups.map(group => ({ total: points([]), ...group })),
    groups_left_out: 0,
    marks: [],
    ...rest,
  }
}

const count: ChartInfo = {
  id: 'requests',
  title: 'Requests',
  parts: [{ series: 'requests', label: 'Requests' }],
  kind: 'count',
  format: value => `${Math.round(value * 10) / 10}`,
}
const gauge: ChartInfo = { ...count, kind: 'gauge' }
const window = { from: noon - 10 * 60, to: noon, isLive: true }

test('a step without a point is a gap, and what happened in the step that is not over is said for the time that has passed', () => {
  const history = historyOf({
    points: points([
      [noon - 600, 12, 30, 0, 9],
      [noon - 540, 12, 0, 0, 0],
      [noon - 60, 12, 60, 0, 9],
    ]),
  })
  const shape = shapeOf(count, [history], undefined, window, 600)!
  expect(shape.at).toEqual(Array.from({ length: 10 }, (_, place) => noon - 600 + place * 60))
  expect(shape.lines[0]!.values).toEqual([30, 0, null, null, null, null, null, null, null, 60])
  expect([shape.lines[0]!.total, rateWords(60), rateWords(900), rateWords(day)]).toEqual([
    90,
    'per min',
    'per hour',
    'per day',
  ])
  const open = shapeOf(count, [history], undefined, { ...window, to: noon - 30 }, 600)!
  expect(open.lines[0]!.values.at(-1)).toBe(120)
  expect(shapeOf(count, [undefined], undefined, window, 600)).toBeUndefined()
})

test('where there are more steps than pixels each pixel has the minimum, the maximum and the mean of its own, so that a spike stays', () => {
  const all = Array.from({ length: 60 }, (_, place): [number, number, number, number, number] => [
    noon - hour + place * 60,
    12,
    12 * 5,
    place === 31 ? 1 : 4,
    place === 32 ? 99 : 6,
  ])
  const kind = { ...window, from: noon - hour }
  const shape = shapeOf(gauge, [historyOf({ kind: 'gauge', points: points(all) })], undefined, kind, 12)!
  expect([shape.at.length, shape.stepSeconds]).toEqual([12, 300])
  const { values, low, high } = shape.lines[0]!
  expect(values).toEqual(new Array(12).fill(5))
  expect(high).toEqual([6, 6, 6, 6, 6, 6, 99, 6, 6, 6, 6, 6])
  expect(low).toEqual([4, 4, 4, 4, 4, 4, 1, 4, 4, 4, 4, 4])
  // Counts are bounded by the counts per step: one of 600 among empty ones.
  const burst = historyOf({ points: points(all.map(([at], place) => [at, 12, place === 7 ? 600 : 0, 0, 600])) })
  const counted = shapeOf(count, [burst], undefined, kind, 12)!.lines[0]!
  expect([counted.values[1], counted.low![1], counted.high![1]]).toEqual([120, 0, 600])
})

test('as the window moves on, what a pixel shows stays what it was, at the same moment in every chart', () => {
  const all = Array.from({ length: 70 }, (_, place): [number, number, number, number, number] => [
    noon - hour - 600 + place * 60,
    ...([1, place, place, place] as const),
  ])
  const history = historyOf({ kind: 'gauge', points: points(all) })
  const columns = (late: number) => {
    const moving = { from: noon - hour + late, to: noon + late, isLive: true }
    const { at, lines } = shapeOf(gauge, [history], undefined, moving, 12)!
    return new Map(at.map((moment, place) => [moment, lines[0]!.values[place]]))
  }
  const [now, later] = [columns(0), columns(60)]
  const both = [...now.keys()].filter(moment => later.has(moment))
  expect(both.length).toBe(12)
  // Except the newest, which is not complete.
  for (const moment of both.slice(1, -1)) expect([moment, later.get(moment)]).toEqual([moment, now.get(moment)])
})

test('durations are p50, p95 and p99 with a band, above what a logarithmic scale can show', () => {
  const latency: ChartInfo = { ...count, kind: 'latency' }
  const of = { ...points([[noon - 120, 5, 50, 0, 800]]), p50: [0], p95: [40], p99: [500] }
  const shape = shapeOf(latency, [historyOf({ kind: 'latency', points: of })], undefined, window, 600)!
  expect(shape.lines.map(({ label, values }) => [label, values[8], values[7]])).toEqual([
    ['p50', 0.1, null],
    ['p95', 40, null],
    ['p99', 500, null],
  ])
  expect([shape.lines[0]!.low![8], shape.lines[0]!.high![8]]).toEqual([0.1, 800])
})

test('the time before lies on the same places, also when it is kept in longer steps', () => {
  const before = historyOf({
    step_seconds: 300,
    points: points([
      [noon - 1200, 60, 50, 0, 9],
      [noon - 900, 60, 500, 0, 9],
    ]),
  })
  const line = shapeOf(count, [historyOf({ points: points([]) })], before, window, 600)!.lines[0]!
  expect(line.before).toEqual([10, 10, 10, 10, 10, 100, 100, 100, 100, 100])
  expect(timeBefore(window)).toEqual({ from: noon - 1200, to: noon - 600, isLive: false })
})

test('of groups the largest are drawn and the others counted; those without a place are left out', () => {
  const groups = ['', ...Array.from({ length: 9 }, (_, place) => `tool_${place}`)].map(label => ({
    label,
    points: points([[noon - 60, 12, 6, 0, 1]]),
  }))
  const chart: ChartInfo = { ...count, groupBy: 'tool', leaveOut: '', groupWords: { tool_0: 'First' } }
  const shape = shapeOf(chart, [historyOf({ groups_left_out: 2 }, groups)], undefined, window, 600)!
  expect(shape.lines.map(({ label }) => label)).toEqual(['First', 'tool_1', 'tool_2', 'tool_3', 'tool_4', 'tool_5'])
  expect([shape.lines.length, shape.leftOut]).toEqual([mostLines, 5])
})

test('what came since replaces the steps that were not over, and what is out of the range goes', () => {
  const held = historyOf({
    marks: [{ at: noon - hour - 1, kind: 'restart', account_id: null, words: 'Old' }],
    points: points([
      [noon - hour - 60, 12, 1, 0, 1],
      [noon - hour, 12, 2, 0, 1],
      [noon - 60, 3, 3, 0, 1],
    ]),
  })
  const mark = { at: noon - 30, kind: 'token' as const, account_id: null, words: 'New' }
  const newer = historyOf({
    from: new Date((noon - 60) * 1000).toISOString(),
    marks: [mark],
    points: points([
      [noon - 60, 12, 9, 0, 1],
      [noon, 1, 4, 4, 4],
    ]),
  })
  const joined = appendHistory(held, newer, noon - hour)
  expect(joined.groups[0]!.points.at).toEqual([noon - hour, noon - 60, noon])
  expect(joined.groups[0]!.points.sum).toEqual([2, 9, 4])
  expect(joined.marks).toEqual([mark])
  // One group that is new, and one that no longer exists.
  const one = historyOf({}, [{ label: 'a', points: points([[noon - 120, 1, 1, 1, 1]]) }])
  const two = historyOf({ from: newer.from }, [{ label: 'b', points: points([[noon, 1, 1, 1, 1]]) }])
  const both = appendHistory(one, two, noon - hour).groups.map(({ label, points: { at } }) => [label, at])
  expect(both).toEqual([
    ['a', [noon - 120]],
    ['b', [noon]],
  ])
})

test('the address says a range up to now or a time; what is no time is the range', () => {
  const at = (view: Partial<Record<'range' | 'from' | 'to', string>>) =>
    windowOf({ range: '24h', from: '', to: '', ...view }, noon)
  expect(at({ range: '1h' })).toEqual({ from: noon - hour, to: noon, isLive: true })
  expect(at({ range: 'always' })).toEqual({ from: noon - day, to: noon, isLive: true })
  const still = { from: noon - 2 * hour, to: noon - hour }
  expect(at(addressOfWindow(still))).toEqual({ ...still, isLive: false })
  expect(at({ from: '2026-11-29T12:00:00Z', to: '2026-11-29T11:00:00Z' }).isLive).toBe(true)
  expect(at({ from: '1990-01-01', to: '2090-01-01' })).toEqual({ from: noon - 3 * 365 * day, to: noon, isLive: false })
})

test('zooming and moving keep within what was, and the step fits the length', () => {
  expect(bounded({ from: noon - 1, to: noon }, noon)).toEqual({ from: noon - 60, to: noon, isLive: false })
  expect(zoomed(window, 2, noon)).toEqual({ from: noon - 1200, to: noon, isLive: false })
  expect(zoomed(window, 0.5, noon, noon - 600)).toEqual({ from: noon - 600, to: noon - 300, isLive: false })
  expect(moved(window, -0.5, noon)).toEqual({ from: noon - 900, to: noon - 300, isLive: false })
  expect(moved(window, 0.5, noon)).toEqual({ from: noon - 600, to: noon, isLive: false })
  const steps = [hour, day, 7 * day, 30 * day, 365 * day].map(length => ({ from: noon - length, to: noon }))
  expect(steps.map(range => stepFor(range, noon).step)).toEqual(['5s', '1m', '15m', '15m', '1d'])
  expect(steps.map(range => coarseStepFor(range, noon).step)).toEqual(['1m', '15m', '15m', '1d', '1d'])
  expect(stepFor({ from: noon - 90 * day, to: noon - 89 * day }, noon).step).toBe('1d')
})

test('a chart says in words what is under the crosshair, and what happened there', () => {
  const line = { label: 'CPU', values: [5, null], low: [1, null], high: [9, null], before: [4, null] }
  expect([0, 1].map(place => lineWords(gauge, line, place))).toEqual(['5 (1 to 9, before 4)', 'no reading'])
  expect([wholeWords(gauge, line), wholeWords(count, { ...line, total: 1234.4 })]).toEqual(['5', '1,234 in all'])
  const mark = { at: noon + 3, kind: 'restart' as const, account_id: null, words: 'Started.' }
  expect(marksNear([mark, { ...mark, at: noon - 300 }], noon, 5, window)).toEqual([mark])
  const shape = { at: [noon, noon + 60], stepSeconds: 60, lines: [line], leftOut: 0 }
  expect(momentWords(gauge, shape, 1, '', [mark])).toMatch(/2026, .*; CPU no reading; Started\.$/)
})

test('a file has all points, and no cell that a spreadsheet would take for a formula', () => {
  const groups = ['=HYPERLINK("x")', 'a,b'].map(label => ({ label, points: points([[noon, 4, -6, -9, 3]]) }))
  const lines = csvOf([historyOf({}, groups)]).split('\r\n')
  expect(lines[1]).toBe(`2026-11-29T12:00:00.000Z,requests,"'=HYPERLINK(""x"")",4,-6,-9,3,-1.5,,,`)
  expect(lines[2]).toBe('2026-11-29T12:00:00.000Z,requests,"a,b",4,-6,-9,3,-1.5,,,')
})

test.each(['=1', '+1', '-1+cmd()', '@SUM(1)', '\t=1', ' =1', '\u200b=1', '\uff1d1', '\rx', '\tx'])(
  'a label is no formula in a spreadsheet: %j',
  label => {
    const [, line = ''] = csvOf([historyOf({}, [{ label, points: points([[noon, 4, -6, -9, 3]]) }])]).split('\r\n')
    expect(line.split(',')[2]!.replace(/^"/, '')[0]).toBe("'")
  },
)

test('callers come by their calls with their names, operations by their p95', () => {
  const total = (sum: number, p95 = 0) => ({ ...points([[noon, sum, sum, 0, p95 * 2]]), p95: [p95] })
  const group = (label: string, sum: number, p95 = 0) => ({ label, points: points([]), total: total(sum, p95) })
  const calls = historyOf({}, [group('token-a', 3), group('session-b', 9), group('token-c', 1), group('api-key', 0)])
  const names = namesOfPrincipals([{ id: 'a', name: 'Bot', user_name: 'Ada' }], [{ id: 'b', user_name: 'Ada' }])
  expect(callersOf(calls, historyOf({}, [group('token-a', 700)]), names)).toEqual([
    { principal: 'session-b', name: 'Ada, in a browser', calls: 9, tokens: undefined },
    { principal: 'token-a', name: 'Bot (token of Ada)', calls: 3, tokens: 700 },
    { principal: 'token-c', name: 'A token that was revoked (c)', calls: 1, tokens: undefined },
  ])
  const slow = historyOf({}, [group('mail.one', 5, 10), group('mail.two', 1, 30), group('mail.three', 0)])
  expect(slowestOf(slow).map(({ operation, p95, longest }) => [operation, p95, longest])).toEqual([
    ['mail.two', 30, 60],
    ['mail.one', 10, 20],
  ])
})

test('marks whose lines would run into one another are one with a count, and a long row of them is not', () => {
  const mark = (at: number, kind: 'token' | 'alert' = 'token') => ({ at, kind, account_id: null, words: 'Made.' })
  const groups = groupMarks([mark(50), mark(12, 'alert'), mark(10), mark(29)], at => at * 2, 40)
  expect(groups).toEqual([
    { from: 20, to: 58, count: 3, isBad: true },
    { from: 100, to: 100, count: 1, isBad: false },
  ])
  expect(groups.map(countOf)).toEqual(['3', ''])
  const row = Array.from({ length: 60 }, (_, place) => mark(place))
  expect(groupMarks(row, at => at, 20).map(({ from, to, count }) => [from, to, count])).toEqual([
    [0, 19, 20],
    [20, 39, 20],
    [40, 59, 20],
  ])
  expect(countOf({ from: 0, to: 1, count: 100, isBad: false })).toBe('99+')
  expect(nearWords([mark(1)])).toBe('Made.')
  expect(nearWords([mark(1), mark(2)])).toBe('2 marks: Made. Made.')
})

test('the zone of the times is said, as it is at that time of the year', () => {
  const [winter, summer] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 6, 1)]
  const zones = ['UTC', 'Europe/Berlin', 'America/New_York']
  expect(zones.map(zone => [zoneAt(winter, zone), zoneAt(summer, zone)])).toEqual([
    ['UTC', 'UTC'],
    ['CET', 'CEST'],
    ['GMT-5', 'GMT-4'],
  ])
})

test('a range that is empty but for its end has a shorter one', () => {
  const live = (length: number) => ({ from: noon - length, to: noon, isLive: true })
  expect(shorterRange(noon - 300, live(day))).toBe('15m')
  expect(shorterRange(noon - 3 * hour, live(7 * day))).toBe('24h')
  expect(shorterRange(noon - 5 * hour, live(day))).toBeUndefined()
  expect(shorterRange(noon - 60, live(900))).toBeUndefined()
  expect(shorterRange(noon - 300, { ...live(day), isLive: false })).toBeUndefined()
})
