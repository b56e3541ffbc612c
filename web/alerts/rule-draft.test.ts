/** The rule form: values survive a round trip, and errors are shown at their fields. */
import { expect, test } from 'vitest'
import type { HistorySeries } from '../../contract/history.ts'
import { starterRules } from '../../server/alerts/starter-rules.ts'
import { series } from '../../server/history/series.ts'
import { byUrgency } from './alert-order.ts'
import { draftOf, emptyDraft, faultsOfServer, ruleOf, withSeries } from './rule-draft.ts'
import { figureOf, secondsOf, timeOf, typedFigure } from './rule-figures.ts'

const known = (name: string): HistorySeries => {
  const { kind, unit, labels, words } = series[name as keyof typeof series]
  return { name, kind, unit, labels: [...labels], description: words }
}

test('every rule that comes with RustyMail goes through the form unchanged', () => {
  for (const { rule } of starterRules) {
    const of = known(rule.series)
    expect(ruleOf(draftOf(rule, of.unit, 'Europe/Vienna'), of)).toEqual({ rule, faults: {} })
  }
  const quiet = { days: [1, 7], from: '22:00', to: '06:30', time_zone: 'Asia/Tokyo' }
  const rule = { ...starterRules[0]!.rule, quiet_hours: quiet }
  expect(ruleOf(draftOf(rule, 'count', 'UTC'), known(rule.series)).rule).toEqual(rule)
})

test('lengths of time and sizes are typed with units, and come back exactly', () => {
  expect(['90 s', '10min', '1.5 h', '1 d', '45', '0 s'].map(secondsOf)).toEqual([90, 600, 5_400, 86_400, 45, 0])
  expect(['', 'soon', '-1 s', '1 w', '0.5 s'].map(secondsOf)).toEqual(Array(5).fill(undefined))
  for (const seconds of [0, 15, 90, 600, 5_400, 86_400]) expect(secondsOf(timeOf(seconds))).toBe(seconds)
  expect(figureOf('1.25 GiB', 'bytes')).toBe(1.25 * 1024 ** 3)
  expect(figureOf('500 MB', 'bytes')).toBe(5e8)
  expect(figureOf('95 %', 'percent')).toBe(95)
  expect([figureOf('5 GB', 'ms'), figureOf('x', 'count'), figureOf('', 'count')]).toEqual(Array(3).fill(undefined))
  for (const bytes of [1024 ** 3, 1.25 * 1024 ** 3, 123_456_789]) {
    expect(figureOf(typedFigure(bytes, 'bytes'), 'bytes')).toBe(bytes)
  }
})

test('what is wrong is said at its field', () => {
  const empty = emptyDraft('UTC')
  expect(Object.keys(ruleOf(empty, known('response_time')).faults)).toEqual(['name', 'threshold'])
  const draft = { ...empty, name: 'Slow', threshold: '500' }
  const faultsOf = (change: Partial<typeof draft>, name = 'response_time') =>
    Object.keys(ruleOf({ ...draft, ...change }, known(name)).faults)
  expect(faultsOf({})).toEqual([])
  expect(faultsOf({ threshold: 'much' })).toEqual(['threshold'])
  expect(faultsOf({ clear: '600' })).toEqual(['clear'])
  expect(faultsOf({ comparison: 'below', clear: '400' })).toEqual(['clear'])
  expect(faultsOf({ window: '5 s' })).toEqual(['window'])
  expect(faultsOf({ wait: '2 d', keep: 'long' })).toEqual(['wait', 'keep'])
  expect(faultsOf({ isQuiet: true, quietDays: [], quietTo: '' })).toEqual(['quietDays', 'quietTo'])
  expect(faultsOf({ isQuiet: true, timeZone: 'Mars/Base' })).toEqual(['timeZone'])
  const each = { account_id: { kind: 'each' } } as const
  expect(faultsOf({ scopes: each, noData: 'alert', aggregation: 'max' }, 'account_ready')).toEqual(['noData'])
  expect(faultsOf({ scopes: { code: { kind: 'one', value: ' ' } } }, 'errors')).toEqual(['scope.code'])
  expect(faultsOf({ measure: 'usual', usualDays: '40', usualAtLeast: '0' })).toEqual(['usualDays', 'usualAtLeast'])
  expect(faultsOf({ measure: 'usual', comparison: 'below' })).toEqual(['comparison'])
})

test('another series keeps what fits it', () => {
  const draft = { ...emptyDraft('UTC'), name: 'N', threshold: '5', measure: 'share' as const }
  expect(withSeries(draft, known('storage_free'))).toMatchObject({
    ...{ series: 'storage_free', aggregation: 'mean', measure: 'value', threshold: '', name: 'N' },
  })
  expect(withSeries(draft, known('mail_failed')).scopes).toEqual({ account_id: { kind: 'each' } })
})

test('words of the server stand at their fields', () => {
  const errors = [
    { path: 'body.rule.clear_threshold', message: 'must not be above the threshold' },
    { path: 'body.quiet_hours.time_zone', message: 'is not a time zone' },
  ]
  expect(faultsOfServer(errors)).toEqual({ clear: 'Must not be above the threshold', timeZone: 'Is not a time zone' })
})

test('what fires stands above what only may, the worst first, and the rest as it came', () => {
  const of = (id: string, state: 'firing' | 'pending', severity: 'info' | 'warning' | 'critical') => ({
    id,
    state,
    severity,
  })
  const alerts = [
    of('a', 'pending', 'critical'),
    of('b', 'firing', 'info'),
    of('c', 'firing', 'critical'),
    of('d', 'firing', 'info'),
  ]
  expect(alerts.toSorted(byUrgency).map(({ id }) => id)).toEqual(['c', 'b', 'd', 'a'])
})
