/** Describes rules and alerts in plain words. */
import type { AlertRuleBody } from '../../contract/alerts.ts'
import { type SeriesInfo, type SeriesLabel, type SeriesName, series } from '../history/series.ts'
import { lateAfter } from './late-store.ts'

const MiB = 1024 ** 2
const GiB = 1024 ** 3

const units: Record<SeriesInfo['unit'], (value: number) => string> = {
  percent: value => `${rounded(value)} %`,
  ms: value => `${rounded(value)} ms`,
  count: value => rounded(value),
  days: value => `${rounded(value)} days`,
  tokens: value => `${rounded(value)} tokens`,
  bytes: value => (value >= GiB ? `${rounded(value / GiB)} GiB` : `${rounded(value / MiB)} MiB`),
}

/** The series as they appear in a sentence: "the sum of failed requests". */
const seriesWords: Record<SeriesName, string> = {
  up: 'samples that were taken',
  requests: 'requests',
  response_time: 'response times',
  system_cpu: 'processor use of the machine',
  system_memory: 'memory use of the machine',
  process_cpu: 'processor use of this server',
  process_memory: 'memory of this server',
  event_loop_delay: 'event-loop delay',
  streams: 'open event streams',
  slow_streams: 'event streams that were closed for slow readers',
  database_size: 'size of the database',
  storage_free: 'free space where the database is',
  events: 'events in the log',
  operation_time: 'response times by operation',
  errors: 'requests that failed or were refused',
  queue: 'what waits',
  calls: 'requests and calls of tools',
  tokens: 'estimated tokens of results',
  messages_changed: 'messages changed by programs',
  token_days: 'days until a token expires',
  imap_connections: 'IMAP connections',
  imap_command_time: 'times of work on IMAP connections',
  imap_failures: 'failed connections to the mail server',
  account_ready: '“connected” (1, else 0)',
  certificate_days: 'days until the certificate ends',
  certificate_life: 'share of the certificate’s life that is left',
  mail_received: 'new messages',
  mail_sent: 'messages that were sent',
  mail_failed: 'messages that could not be sent',
}

/** The words for queues, where the queue says more than the name of the series. */
const queueWords: ReadonlyMap<string, string> = new Map([
  ['outbox', 'messages to be sent'],
  ['outbox_late', `messages that should have left more than ${durationWords(lateAfter.sendingMs / 1_000)} ago`],
  ['approvals', 'messages that wait for approval'],
  [
    'approvals_late',
    `messages that have waited for approval for more than ${durationWords(lateAfter.approvalMs / 1_000)}`,
  ],
  ['webhooks', 'webhooks that fail'],
  ['notices', 'notices of alerts that wait'],
])

const labelWords: Record<SeriesLabel, string> = {
  account_id: 'account',
  principal: 'program or agent',
  state: 'state',
  cause: 'cause',
  operation: 'operation',
  code: 'code',
  tool: 'tool',
  outcome: 'outcome',
  caller: 'caller',
  queue: 'queue',
  protocol: 'protocol',
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

/**
 * Returns true if the rule only checks whether an account is connected, which nobody thinks of as a figure below a
 * half.
 */
function isOfConnection({ series: of, aggregation, comparison, threshold, usual }: AlertRuleBody): boolean {
  return (
    of === 'account_ready' &&
    aggregation === 'max' &&
    comparison === 'below' &&
    !usual &&
    threshold > 0 &&
    threshold <= 1
  )
}

function connectionWords({ per, where, for_seconds: wait, window_seconds: window }: AlertRuleBody): string {
  const subject =
    where.account_id !== undefined ? `account ${where.account_id}` : per.length > 0 ? 'an account' : 'no account'
  const lasting = durationWords(Math.max(wait, window))
  return `Fires when ${subject} is ${subject === 'no account' ? '' : 'not '}connected for ${lasting}.`
}

/** Describes a rule in a sentence, without accounts of the caller. */
export function ruleWords(rule: AlertRuleBody): string {
  if (isOfConnection(rule)) return connectionWords(rule)
  const { comparison, threshold, for_seconds: wait, share_of: share } = rule
  const of = rowsWords(rule)
  const whole = share ? ` in percent of ${seriesWords[share.series as SeriesName]}` : ''
  const per = rule.per.length > 0 ? `, for each ${rule.per.map(label => labelWords[label]).join(' and ')}` : ''
  const lasting = wait > 0 ? ` for ${durationWords(wait)}` : ''
  const floor = rule.usual ? units[series[rule.series as SeriesName].unit](rule.usual.at_least) : ''
  const limit = `${valueWords(rule, threshold)}${floor && ` (of ${rule.usual?.days} days, at least ${floor})`}`
  return `Fires when ${aggregations[rule.aggregation]} of ${of}${whole} over ${durationWords(rule.window_seconds)} is ${comparison} ${limit}${lasting}${per}.`
}

function rowsWords({ series: name, where }: AlertRuleBody): string {
  const queue = name === 'queue' && where.queue !== undefined ? queueWords.get(where.queue) : undefined
  if (queue !== undefined) return `the number of ${queue}`
  const rows = Object.entries(where).map(([label, value]) => `${labelWords[label as SeriesLabel]} ${value}`)
  return `${seriesWords[name as SeriesName]}${rows.length > 0 ? ` (${rows.join(', ')})` : ''}`
}

/** Describes an alert. @param about What it concerns, by names that humans know. */
export function alertWords(rule: AlertRuleBody, about: readonly string[], value: number | undefined): string {
  const subject = about.length > 0 ? ` (${about.join(', ')})` : ''
  if (value === undefined) return `${rule.name}${subject}: there is no data`
  if (isOfConnection(rule) && value < rule.threshold)
    return `${rule.name}${subject}: not connected in the last ${durationWords(rule.window_seconds)}`
  const border = `${rule.comparison} ${valueWords(rule, rule.threshold)}`
  return `${rule.name}${subject}: ${valueWords(rule, value)} in the last ${durationWords(rule.window_seconds)}; alerts ${border}`
}

function rounded(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 2 })
}
