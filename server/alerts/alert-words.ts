/** Rules and alerts in plain words. */
import type { AlertRuleBody } from '../../contract/alerts.ts'
import { type SeriesInfo, type SeriesName, series } from '../history/series.ts'

const units: Record<SeriesInfo['unit'], (value: number) => string> = {
  percent: value => `${rounded(value)} %`,
  ms: value => `${rounded(value)} ms`,
  count: value => String(rounded(value)),
  days: value => `${rounded(value)} days`,
  tokens: value => `${rounded(value)} tokens`,
  bytes: value => `${rounded(value / 1024 / 1024)} MiB`,
}

const aggregations: Record<AlertRuleBody['aggregation'], string> = {
  mean: 'the mean',
  min: 'the lowest value',
  max: 'the highest value',
  sum: 'the sum',
  per_minute: 'the rate per minute',
  p50: 'the median',
  p95: 'the 95th percentile',
  p99: 'the 99th percentile',
}

export function valueWords(rule: AlertRuleBody, value: number): string {
  if (rule.usual) return `${rounded(value)} times the usual`
  return rule.share_of ? units.percent(value) : units[series[rule.series as SeriesName].unit](value)
}

export function durationWords(seconds: number): string {
  for (const [length, unit] of [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const) {
    if (seconds >= length && seconds % length === 0) return `${seconds / length} ${unit}`
  }
  return `${seconds} s`
}

/** As a sentence, without a caller's accounts in it. */
export function ruleWords(rule: AlertRuleBody): string {
  const { comparison, threshold, for_seconds: wait, share_of: share } = rule
  const rows = Object.entries(rule.where).map(([label, value]) => `${label} ${value}`)
  const of = `${rule.series}${rows.length > 0 ? ` (${rows.join(', ')})` : ''}`
  const whole = share ? ` in percent of ${share.series}` : ''
  const per = rule.per.length > 0 ? `, for each ${rule.per.join(' and ')}` : ''
  const lasting = wait > 0 ? ` for ${durationWords(wait)}` : ''
  const floor = rule.usual ? units[series[rule.series as SeriesName].unit](rule.usual.at_least) : ''
  const limit = `${valueWords(rule, threshold)}${floor && ` (of ${rule.usual?.days} days, at least ${floor})`}`
  return `Fires when ${aggregations[rule.aggregation]} of ${of}${whole} over ${durationWords(rule.window_seconds)} is ${comparison} ${limit}${lasting}${per}.`
}

/** @param about What it is about, as humans name it. */
export function alertWords(rule: AlertRuleBody, about: readonly string[], value: number | undefined): string {
  const subject = about.length > 0 ? ` (${about.join(', ')})` : ''
  if (value === undefined) return `${rule.name}${subject}: there is no data`
  const border = `${rule.comparison} ${valueWords(rule, rule.threshold)}`
  return `${rule.name}${subject}: ${valueWords(rule, value)} over ${durationWords(rule.window_seconds)}; alerts ${border}`
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
