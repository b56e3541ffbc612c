/** The charts as data: the series that each shows, and how to read and format its values. */
import type { HistoryLabel, HistorySeries } from '../../contract/history.ts'
import { formatBytes, formatNumber } from '../platform/format.ts'

export interface ChartPart {
  series: string
  label: string
}

export interface ChartInfo {
  id: string
  title: string
  parts: readonly [ChartPart, ...ChartPart[]]
  groupBy?: HistoryLabelName
  /** Group that is not shown. */
  leaveOut?: string
  /** Labels of groups whose names are not words. */
  groupWords?: Readonly<Record<string, string>>
  kind: HistorySeries['kind']
  format(value: number): string
  /** Value at the upper edge. */
  top?: number
  /** Whether it happens rarely, so that longer steps and a p95 of many values say more. */
  isSparse?: boolean
  /** Whether it is hidden until more charts are requested. */
  isExtra?: boolean
}

type HistoryLabelName = (typeof HistoryLabel)['options'][number]

export function formatMs(ms: number): string {
  if (ms >= 60_000) return `${formatNumber(ms / 60_000)} min`
  if (ms >= 1_000) return `${formatNumber(ms / 1_000)} s`
  return `${formatNumber(ms)} ms`
}

const percent = (value: number) => `${formatNumber(value)} %`
const connectionStates = { watching: 'Watching', idle: 'Idle', busy: 'Busy', connecting: 'Connecting' }
const queues = {
  ...{ outbox: 'Messages to be sent', outbox_late: 'Overdue messages' },
  ...{ approvals: 'Approvals', approvals_late: 'Overdue approvals' },
  ...{ webhooks: 'Failing webhooks', notices: 'Alert notices' },
}

export const charts: readonly ChartInfo[] = [
  {
    id: 'requests',
    title: 'Requests',
    parts: [{ series: 'requests', label: 'Requests' }],
    kind: 'count',
    format: formatNumber,
  },
  {
    id: 'response-time',
    title: 'Response time',
    parts: [{ series: 'response_time', label: 'Response time' }],
    kind: 'latency',
    format: formatMs,
    isSparse: true,
  },
  {
    id: 'errors',
    title: 'Errors by code',
    parts: [{ series: 'errors', label: 'Errors' }],
    groupBy: 'code',
    kind: 'count',
    format: formatNumber,
    isSparse: true,
  },
  {
    id: 'mail',
    title: 'Mail',
    parts: [
      { series: 'mail_received', label: 'Received' },
      { series: 'mail_sent', label: 'Sent' },
      { series: 'mail_failed', label: 'Failed' },
    ],
    kind: 'count',
    format: formatNumber,
    isSparse: true,
  },
  {
    id: 'imap-connections',
    title: 'IMAP connections',
    parts: [{ series: 'imap_connections', label: 'Connections' }],
    groupBy: 'state',
    groupWords: connectionStates,
    kind: 'gauge',
    format: formatNumber,
  },
  {
    id: 'imap-time',
    title: 'IMAP command time',
    parts: [{ series: 'imap_command_time', label: 'Command time' }],
    kind: 'latency',
    format: formatMs,
    isSparse: true,
  },
  {
    id: 'tool-calls',
    title: 'Agent calls by tool',
    parts: [{ series: 'calls', label: 'Calls' }],
    groupBy: 'tool',
    // Excludes API requests, which call no tool.
    leaveOut: '',
    kind: 'count',
    format: formatNumber,
    isSparse: true,
  },
  {
    id: 'cpu',
    title: 'CPU',
    parts: [
      { series: 'system_cpu', label: 'Machine' },
      { series: 'process_cpu', label: 'RustyMail, of one processor' },
    ],
    kind: 'gauge',
    format: percent,
    top: 100,
  },
  {
    id: 'memory',
    title: 'Memory of the machine',
    parts: [{ series: 'system_memory', label: 'Memory' }],
    kind: 'gauge',
    format: percent,
    top: 100,
  },
  {
    id: 'process-memory',
    title: 'Memory of RustyMail',
    parts: [{ series: 'process_memory', label: 'Memory' }],
    kind: 'gauge',
    format: formatBytes,
  },
  {
    id: 'event-loop',
    title: 'Event-loop delay, p99',
    parts: [{ series: 'event_loop_delay', label: 'Delay' }],
    kind: 'gauge',
    format: formatMs,
  },
  {
    id: 'streams',
    title: 'Event streams',
    parts: [{ series: 'streams', label: 'Open' }],
    kind: 'gauge',
    format: formatNumber,
  },
  {
    id: 'queues',
    title: 'Queues',
    parts: [{ series: 'queue', label: 'Waiting' }],
    groupBy: 'queue',
    groupWords: queues,
    kind: 'gauge',
    format: formatNumber,
    isExtra: true,
  },
  {
    id: 'imap-failures',
    title: 'Failed connections by cause',
    parts: [{ series: 'imap_failures', label: 'Failures' }],
    groupBy: 'cause',
    kind: 'count',
    format: formatNumber,
    isExtra: true,
    isSparse: true,
  },
  {
    id: 'events',
    title: 'Events in the log',
    parts: [{ series: 'events', label: 'Events' }],
    kind: 'count',
    format: formatNumber,
    isExtra: true,
  },
  {
    id: 'tokens',
    title: 'Result tokens, estimated',
    parts: [{ series: 'tokens', label: 'Tokens' }],
    groupBy: 'tool',
    kind: 'count',
    format: formatNumber,
    isExtra: true,
    isSparse: true,
  },
  {
    id: 'database',
    title: 'Size of the database',
    parts: [{ series: 'database_size', label: 'Database' }],
    kind: 'gauge',
    format: formatBytes,
    isExtra: true,
  },
  {
    id: 'storage',
    title: 'Free space',
    parts: [{ series: 'storage_free', label: 'Free' }],
    kind: 'gauge',
    format: formatBytes,
    isExtra: true,
  },
]

/** Returns the charts of which the caller may see all series. */
export function visibleCharts(known: readonly HistorySeries[]): readonly ChartInfo[] {
  const names = new Set(known.map(({ name }) => name))
  return charts.filter(({ parts }) => parts.every(({ series }) => names.has(series)))
}
