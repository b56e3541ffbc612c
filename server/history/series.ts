/** The recorded series, as data: what each counts, its unit and labels, and the callers that see it. */

export type SeriesKind =
  /** A state, read at each sample. */
  | 'gauge'
  /** Events since the previous sample. No point while the server ran means zero. */
  | 'count'
  /** Durations of events since the previous sample. */
  | 'latency'

export type SeriesAudience =
  /** The load of the machine: for callers that may view the dashboard. */
  | 'load'
  /** Rows of accounts: each caller sees those of its accounts, or their sum. */
  | 'accounts'
  /** Depends on activity in all accounts: for callers that see all of them. */
  | 'whole'

export interface SeriesInfo {
  kind: SeriesKind
  unit: 'percent' | 'bytes' | 'ms' | 'count' | 'tokens' | 'days'
  labels: readonly SeriesLabel[]
  audience: SeriesAudience
  /** Values are stored as integer multiples of 1/scale of the unit. */
  scale: number
  words: string
}

export type SeriesLabel =
  | 'account_id'
  | 'state'
  | 'cause'
  | 'operation'
  | 'code'
  | 'principal'
  | 'tool'
  | 'outcome'
  | 'caller'
  | 'queue'
  | 'protocol'

const load = { audience: 'load', labels: [] } as const
const gauge = { kind: 'gauge', unit: 'count', scale: 1 } as const
const count = { kind: 'count', unit: 'count', scale: 1 } as const
/** Stored in microseconds. */
const latency = { kind: 'latency', unit: 'ms', scale: 1_000 } as const

export const series = {
  up: { ...gauge, ...load, words: 'Samples that were taken: where there are none, the server did not run' },
  requests: { ...count, ...load, words: 'API and MCP requests that finished' },
  response_time: { ...latency, ...load, words: 'Response times of API and MCP requests' },
  system_cpu: { ...gauge, ...load, unit: 'percent', scale: 100, words: 'Processor use of the machine' },
  system_memory: { ...gauge, ...load, unit: 'percent', scale: 100, words: 'Memory use of the machine' },
  process_cpu: {
    ...gauge,
    ...load,
    unit: 'percent',
    scale: 100,
    words: 'Processor use of this server, of one processor',
  },
  process_memory: { ...gauge, ...load, unit: 'bytes', words: 'Memory of this server' },
  event_loop_delay: {
    ...gauge,
    ...load,
    unit: 'ms',
    scale: 1_000,
    words: 'Event-loop delay, 99th percentile of each sample',
  },
  streams: { ...gauge, ...load, words: 'Open event streams' },
  slow_streams: { ...count, ...load, words: 'Event streams closed since their reader was too slow' },
  database_size: { ...gauge, ...load, unit: 'bytes', words: 'Size of the database, without the indexes' },
  storage_free: { ...gauge, ...load, unit: 'bytes', words: 'Free space where the database is' },
  events: { ...count, ...load, words: 'Events that were appended to the log' },
  operation_time: { ...latency, audience: 'whole', labels: ['operation'], words: 'Response times by operation' },
  errors: { ...count, audience: 'whole', labels: ['code'], words: 'Requests that failed or were refused, by code' },
  queue: {
    ...gauge,
    audience: 'whole',
    labels: ['queue'],
    words: 'What waits: messages to be sent, approvals, webhooks that fail, notices of alerts',
  },
  calls: {
    ...count,
    audience: 'whole',
    labels: ['principal', 'tool', 'outcome', 'caller'],
    words: 'Requests and calls of tools, by people at the page and by programs',
  },
  tokens: {
    ...count,
    audience: 'whole',
    labels: ['principal', 'tool'],
    unit: 'tokens',
    words: 'Estimated tokens of results',
  },
  messages_changed: {
    ...count,
    audience: 'whole',
    labels: ['principal'],
    words: 'Messages that programs and agents moved, deleted or changed',
  },
  token_days: {
    ...gauge,
    audience: 'whole',
    labels: ['principal'],
    unit: 'days',
    scale: 100,
    words: 'Days until a token expires, of those that expire within 30',
  },
  imap_connections: {
    ...gauge,
    audience: 'accounts',
    labels: ['account_id', 'state'],
    words: 'IMAP connections by state',
  },
  imap_command_time: {
    ...latency,
    audience: 'accounts',
    labels: ['account_id'],
    words: 'Durations of work on IMAP connections',
  },
  imap_failures: {
    ...count,
    audience: 'accounts',
    labels: ['account_id', 'cause'],
    words: 'Connections to mail servers that failed',
  },
  account_ready: {
    ...gauge,
    audience: 'accounts',
    labels: ['account_id'],
    words: '1 while the account is connected and watched',
  },
  certificate_days: {
    ...gauge,
    audience: 'accounts',
    labels: ['account_id', 'protocol'],
    unit: 'days',
    scale: 100,
    words: 'Days until the certificate of a mail server ends, of those that live for 20 or more',
  },
  certificate_life: {
    ...gauge,
    audience: 'accounts',
    labels: ['account_id', 'protocol'],
    unit: 'percent',
    scale: 100,
    words: 'Share of its life that the certificate of a mail server has left, of those that live for less than 20 days',
  },
  mail_received: { ...count, audience: 'accounts', labels: ['account_id'], words: 'New messages' },
  mail_sent: { ...count, audience: 'accounts', labels: ['account_id'], words: 'Messages that a mail server accepted' },
  mail_failed: { ...count, audience: 'accounts', labels: ['account_id'], words: 'Messages that could not be sent' },
} as const satisfies Record<string, SeriesInfo>

export type SeriesName = keyof typeof series
export const seriesNames = Object.keys(series) as [SeriesName, ...SeriesName[]]

export type Labels = Partial<Record<SeriesLabel, string>>

/** Upper bound of characters in a label's value. */
export const maxLabel = 100
/** Separates name and labels; PostgreSQL cannot store NUL. */
const separator = '\u001f'

/** Returns one key for each combination of labels, in the order in which the series declares them. */
export function keyOf(name: SeriesName, labels: Labels): string {
  let key: string = name
  for (const label of series[name].labels as readonly SeriesLabel[]) key += separator + tidy(labels[label] ?? '')
  return key
}

function tidy(value: string): string {
  // A fast path, since each request has five labels and nearly all are clean.
  const clean = /\p{Cc}/u.test(value) ? value.replaceAll(/\p{Cc}/gu, ' ') : value
  return clean.length > maxLabel ? clean.slice(0, maxLabel) : clean
}

export function labelsIn(key: string): { name: SeriesName; labels: Labels } {
  const [name, ...values] = key.split(separator) as [SeriesName, ...string[]]
  const declared = series[name].labels as readonly SeriesLabel[]
  return { name, labels: Object.fromEntries(declared.map((label, place) => [label, values[place] ?? ''])) }
}

/** Returns the scale of a key's values; 1 for a series that no longer exists. */
export function scaleOf(key: string): number {
  const [name = ''] = key.split(separator, 1)
  return (series as Record<string, SeriesInfo>)[name]?.scale ?? 1
}

/** Returns true if a key belongs to a series of this name. */
export function isOf(name: SeriesName, key: string): boolean {
  return key === name || key.startsWith(name + separator)
}
