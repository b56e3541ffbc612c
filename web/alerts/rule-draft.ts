/** The form of a rule, with all values as text so that a half-typed number stays, and its validation by field. */
import type { AlertRuleBody } from '../../contract/alerts.ts'
import type { HistoryLabel, HistorySeries } from '../../contract/history.ts'
import { figureOf, secondsOf, timeOf, typedFigure, type Unit } from './rule-figures.ts'

export type Label = (typeof HistoryLabel)['options'][number]
type Aggregation = AlertRuleBody['aggregation']

/** How a label splits the series: one alert for all values, one alert per value, or only one value. */
export type LabelScope = { kind: 'all' } | { kind: 'each' } | { kind: 'one'; value: string }

export interface RuleDraft {
  name: string
  enabled: boolean
  severity: AlertRuleBody['severity']
  series: string
  scopes: Partial<Record<Label, LabelScope>>
  aggregation: Aggregation
  window: string
  /** What the threshold applies to. */
  measure: 'value' | 'share' | 'usual'
  shareSeries: string
  shareAtLeast: string
  usualDays: string
  usualAtLeast: string
  comparison: AlertRuleBody['comparison']
  threshold: string
  clear: string
  wait: string
  keep: string
  noData: AlertRuleBody['no_data']
  isQuiet: boolean
  quietDays: readonly number[]
  quietFrom: string
  quietTo: string
  timeZone: string
}

export type RuleField = keyof RuleDraft | `scope.${Label}`
export type RuleFaults = Partial<Record<RuleField, string>>

export const fitting: Record<HistorySeries['kind'], readonly Aggregation[]> = {
  gauge: ['mean', 'min', 'max'],
  count: ['sum', 'per_minute'],
  latency: ['p95', 'p50', 'p99', 'mean', 'min', 'max'],
}

export function emptyDraft(timeZone: string): RuleDraft {
  return {
    ...{ name: '', enabled: true, severity: 'warning', series: 'response_time', scopes: {}, aggregation: 'p95' },
    ...{ window: '10 min', measure: 'value', shareSeries: 'requests', shareAtLeast: '100' },
    ...{
      usualDays: '7',
      usualAtLeast: '1',
      comparison: 'above',
      threshold: '',
      clear: '',
      wait: '2 min',
      keep: '1 min',
    },
    ...{ noData: 'keep', isQuiet: false, quietDays: [1, 2, 3, 4, 5, 6, 7], quietFrom: '22:00', quietTo: '07:00' },
    timeZone,
  }
}

export function draftOf(rule: AlertRuleBody, unit: HistorySeries['unit'], timeZone: string): RuleDraft {
  const { share_of: share, usual, quiet_hours: quiet } = rule
  const shown = unitOf({ measure: share ? 'share' : usual ? 'usual' : 'value' }, unit)
  const scopes: RuleDraft['scopes'] = Object.fromEntries([
    ...rule.per.map(label => [label, { kind: 'each' }] as const),
    ...Object.entries(rule.where).map(([label, value]) => [label, { kind: 'one', value }] as const),
  ])
  return {
    ...emptyDraft(timeZone),
    ...{ name: rule.name, enabled: rule.enabled, severity: rule.severity, series: rule.series, scopes },
    ...{ aggregation: rule.aggregation, window: timeOf(rule.window_seconds), comparison: rule.comparison },
    measure: share ? 'share' : usual ? 'usual' : 'value',
    ...(share ? { shareSeries: share.series, shareAtLeast: String(share.at_least) } : {}),
    ...(usual ? { usualDays: String(usual.days), usualAtLeast: typedFigure(usual.at_least, unit) } : {}),
    threshold: typedFigure(rule.threshold, shown),
    clear: rule.clear_threshold === null ? '' : typedFigure(rule.clear_threshold, shown),
    ...{ wait: timeOf(rule.for_seconds), keep: timeOf(rule.keep_seconds), noData: rule.no_data },
    ...(quiet ? { isQuiet: true, quietDays: quiet.days, quietFrom: quiet.from, quietTo: quiet.to } : {}),
    timeZone: quiet?.time_zone ?? timeZone,
  }
}

/** Returns the unit of the threshold. */
export function unitOf({ measure }: Pick<RuleDraft, 'measure'>, unit: HistorySeries['unit']): Unit {
  return measure === 'share' ? 'percent' : measure === 'usual' ? 'times' : unit
}

/** Carries the form over to another series, as far as it fits. */
export function withSeries(draft: RuleDraft, known: HistorySeries): RuleDraft {
  const scopes: RuleDraft['scopes'] = {}
  for (const label of known.labels) {
    const scope = draft.scopes[label]
    if (scope) scopes[label] = scope
    else if (label === 'account_id' || label === 'principal') scopes[label] = { kind: 'each' }
  }
  const fits = fitting[known.kind]
  const aggregation = fits.includes(draft.aggregation) ? draft.aggregation : fits[0]!
  const measure = draft.measure === 'share' && known.kind !== 'count' ? 'value' : draft.measure
  const isOther = known.name !== draft.series
  return {
    ...draft,
    series: known.name,
    scopes,
    aggregation,
    measure,
    ...(isOther ? { threshold: '', clear: '' } : {}),
  }
}

const longest = 86_400

/** Returns the rule, or the errors. */
export function ruleOf(draft: RuleDraft, known: HistorySeries): { rule?: AlertRuleBody; faults: RuleFaults } {
  const faults: RuleFaults = {}
  const time = (field: 'window' | 'wait' | 'keep', least: number): number => {
    const seconds = secondsOf(draft[field])
    if (seconds === undefined) faults[field] = 'Enter a length of time such as 90 s, 10 min or 2 h.'
    else if (seconds < least || seconds > longest) faults[field] = `Between ${timeOf(least)} and 24 h.`
    return seconds ?? 0
  }
  const figure = (field: 'threshold' | 'clear' | 'shareAtLeast' | 'usualAtLeast' | 'usualDays', unit: Unit): number => {
    const value = figureOf(draft[field], unit)
    if (value === undefined) faults[field] = draft[field].trim() === '' ? 'Enter a number.' : 'This is not a number.'
    return value ?? 0
  }
  const { measure, comparison } = draft
  if (draft.name.trim() === '') faults.name = 'Enter a name.'
  const unit = unitOf(draft, known.unit)
  const threshold = figure('threshold', unit)
  const clear = draft.clear.trim() === '' ? null : figure('clear', unit)
  if (
    clear !== null &&
    !faults.threshold &&
    !faults.clear &&
    (comparison === 'above' ? clear > threshold : clear < threshold)
  ) {
    faults.clear = `Must not be ${comparison} the threshold, or the alert would clear while it fires.`
  }
  const per = known.labels.filter(label => draft.scopes[label]?.kind === 'each')
  const where: AlertRuleBody['where'] = {}
  for (const label of known.labels) {
    const scope = draft.scopes[label]
    if (scope?.kind !== 'one') continue
    if (scope.value.trim() === '') faults[`scope.${label}`] = 'Enter which one.'
    where[label] = scope.value.trim()
  }
  const share = measure === 'share' ? { series: draft.shareSeries, at_least: figure('shareAtLeast', 'count') } : null
  if (share && !faults.shareAtLeast && share.at_least < 1) faults.shareAtLeast = 'At least 1.'
  const usual =
    measure === 'usual' ? { days: figure('usualDays', 'count'), at_least: figure('usualAtLeast', known.unit) } : null
  if (usual && !faults.usualDays && !(Number.isInteger(usual.days) && usual.days >= 1 && usual.days <= 28)) {
    faults.usualDays = 'Between 1 and 28 days.'
  }
  if (usual && !faults.usualAtLeast && usual.at_least < 0.001) faults.usualAtLeast = 'Must be above 0.'
  if (per.length > 0 && share) faults.measure = 'A share needs one alert for all, not one per value.'
  if (usual && comparison === 'below') faults.comparison = 'A multiple of what is usual only works with “above”.'
  if (per.length > 0 && draft.noData === 'alert')
    faults.noData = 'Only with one alert for all: a value that never existed cannot go missing.'
  if (draft.isQuiet && draft.quietDays.length === 0) faults.quietDays = 'Choose at least one day.'
  if (draft.isQuiet && !/^\d\d:\d\d$/.test(draft.quietFrom)) faults.quietFrom = 'Enter a time such as 22:00.'
  if (draft.isQuiet && !/^\d\d:\d\d$/.test(draft.quietTo)) faults.quietTo = 'Enter a time such as 07:00.'
  if (draft.isQuiet && !isTimeZone(draft.timeZone)) faults.timeZone = 'Enter a time zone such as Europe/Vienna.'
  const rule: AlertRuleBody = {
    ...{ name: draft.name.trim(), enabled: draft.enabled, severity: draft.severity, series: known.name, where, per },
    aggregation: share ? 'sum' : draft.aggregation,
    ...{ share_of: share, usual, window_seconds: time('window', 15), comparison, threshold, clear_threshold: clear },
    ...{ for_seconds: time('wait', 0), keep_seconds: time('keep', 0), no_data: draft.noData },
    quiet_hours: draft.isQuiet
      ? { days: [...draft.quietDays], from: draft.quietFrom, to: draft.quietTo, time_zone: draft.timeZone }
      : null,
  }
  return Object.keys(faults).length > 0 ? { faults } : { rule, faults }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== ''
  } catch {
    return false
  }
}

/** The fields of the server's validation errors. */
const fieldsOfServer: Record<string, RuleField> = {
  ...{ name: 'name', series: 'series', aggregation: 'aggregation', window_seconds: 'window', comparison: 'comparison' },
  ...{ threshold: 'threshold', clear_threshold: 'clear', for_seconds: 'wait', keep_seconds: 'keep', no_data: 'noData' },
  ...{ share_of: 'measure', usual: 'measure', per: 'series', where: 'series', severity: 'severity' },
  quiet_hours: 'quietDays',
}

export function faultsOfServer(errors: readonly { path: string; message: string }[] = []): RuleFaults {
  const faults: RuleFaults = {}
  for (const { path, message } of errors) {
    const [name = '', part = ''] = path.replace(/^body\.(rule\.)?/, '').split('.')
    const field = part === 'time_zone' ? 'timeZone' : fieldsOfServer[name]
    if (field) faults[field] = `${message.charAt(0).toUpperCase()}${message.slice(1)}`
  }
  return faults
}
