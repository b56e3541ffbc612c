/** Validates a rule, and refuses a senseless one with an explanation. */
import type { AlertRuleBody } from '../../contract/alerts.ts'
import { type SeriesInfo, type SeriesName, series, seriesNames } from '../history/series.ts'
import { badInput, type InputPath } from '../platform/problem.ts'
import { isTimeZone } from '../policies/working-hours.ts'

const fitting: Record<SeriesInfo['kind'], readonly AlertRuleBody['aggregation'][]> = {
  gauge: ['mean', 'min', 'max'],
  count: ['sum', 'per_minute'],
  latency: ['mean', 'min', 'max', 'p50', 'p95', 'p99'],
}

export function isSeries(name: string): name is SeriesName {
  return (seriesNames as readonly string[]).includes(name)
}

/** @throws Problem bad_request with a readable message. @returns The series. */
export function checkRule(rule: AlertRuleBody, within: InputPath = 'body'): SeriesName {
  const refuse = (field: string, message: string): never => {
    throw badInput(`${within}.${field}`, message)
  }
  const { series: name, comparison, threshold, clear_threshold: clear, share_of: share } = rule
  if (!isSeries(name)) return refuse('series', `must be one of ${seriesNames.join(', ')}`)
  const { kind, labels }: SeriesInfo = series[name]
  const known = labels as readonly string[]
  const unknownIn = (asked: readonly string[]) => asked.find(label => !known.includes(label))
  const wrong = unknownIn(Object.keys(rule.where))
  if (wrong !== undefined) refuse('where', `${name} has no label ${wrong}`)
  const wrongPer = unknownIn(rule.per)
  if (wrongPer !== undefined) refuse('per', `${name} has no label ${wrongPer}`)
  if (new Set(rule.per).size < rule.per.length) refuse('per', 'names a label twice')
  if (!fitting[kind].includes(rule.aggregation)) {
    refuse('aggregation', `of ${name}, which is a ${kind}, must be one of ${fitting[kind].join(', ')}`)
  }
  if (clear !== null && (comparison === 'above' ? clear > threshold : clear < threshold)) {
    refuse('clear_threshold', `must not be ${comparison} the threshold, or the alert would clear while it is raised`)
  }
  if (rule.no_data === 'alert' && rule.per.length > 0) {
    refuse('no_data', 'alert is for rules without `per`: what was never there cannot be missed')
  }
  if (share) {
    if (!isSeries(share.series) || series[share.series].kind !== 'count') refuse('share_of.series', 'must be a count')
    if (rule.aggregation !== 'sum') refuse('share_of', 'goes with the aggregation sum')
    if (rule.per.length > 0) refuse('share_of', 'goes without `per`')
  }
  if (rule.usual) {
    if (comparison === 'below') refuse('usual', 'goes with above')
    if (share) refuse('usual', 'goes without `share_of`')
  }
  const zone = rule.quiet_hours?.time_zone
  if (zone !== undefined && !isTimeZone(zone)) {
    refuse('quiet_hours.time_zone', 'is not a time zone of the IANA database such as Europe/Vienna')
  }
  return name
}
