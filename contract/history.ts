/** The history of metrics: the series, and their values over time. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { GivenTime, Timestamp, wholeOr } from './wire.ts'

export const historySteps = { '5s': 5, '1m': 60, '15m': 900, '1d': 86_400 } as const
export const HistoryStep = z.enum(['5s', '1m', '15m', '1d'])
export type HistoryStep = z.infer<typeof HistoryStep>

export const HistoryLabel = z.enum([
  'account_id',
  'state',
  'cause',
  'operation',
  'code',
  'principal',
  'tool',
  'outcome',
  'caller',
  'queue',
  'protocol',
])

export const historyBounds = { groups: 100, points: 5_000, marks: 500 } as const

export const HistorySeries = z
  .object({
    name: z.string(),
    kind: z.enum(['gauge', 'count', 'latency']).describe('A sampled state, a number of events, or their durations'),
    unit: z.enum(['percent', 'bytes', 'ms', 'count', 'tokens', 'days']),
    labels: z.array(HistoryLabel),
    description: z.string(),
  })
  .meta({ id: 'HistorySeries' })
export type HistorySeries = z.infer<typeof HistorySeries>

const column = z.array(z.number())

/** Points in columns, as charts need them. */
export const HistoryPoints = z
  .object({
    at: z.array(z.int()).describe('Start of each step in epoch seconds, in order. A missing step is a gap'),
    count: z.array(z.int()).describe('Number of samples of a gauge or count, or of durations'),
    sum: column.describe('For a count: the number of events in the step. For a gauge: `sum / count` is the mean'),
    min: column,
    max: column,
    p50: column.optional().describe('Percentile of durations, within 6 %'),
    p95: column.optional(),
    p99: column.optional(),
  })
  .meta({ id: 'HistoryPoints' })
export type HistoryPoints = z.infer<typeof HistoryPoints>

export const HistoryMark = z
  .object({
    at: z.int().describe('Epoch seconds'),
    kind: z.enum(['restart', 'settings', 'account', 'token', 'alert', 'webhook']),
    account_id: z.string().nullable(),
    words: z.string(),
  })
  .meta({ id: 'HistoryMark' })
export type HistoryMark = z.infer<typeof HistoryMark>

export const History = z
  .object({
    series: z.string(),
    kind: HistorySeries.shape.kind,
    unit: HistorySeries.shape.unit,
    step_seconds: z.int(),
    from: Timestamp,
    to: Timestamp,
    kept_since: Timestamp.describe('How far back this step is kept'),
    groups: z.array(
      z.object({
        label: z.string().nullable().describe('Value of the label by which it is grouped; null if it is not grouped'),
        total: HistoryPoints.describe('The whole range as one step'),
        points: HistoryPoints,
      }),
    ),
    groups_left_out: z.int().describe(`Groups beyond the ${historyBounds.groups} with the largest sums`),
    marks: z.array(HistoryMark).describe('Events in the range, oldest first; at most the newest 500'),
  })
  .meta({ id: 'History' })
export type History = z.infer<typeof History>

const tag = 'Metrics'
export const historyApi = {
  listHistorySeries: endpoint({
    method: 'GET',
    path: '/api/dashboard/metrics/series',
    tag,
    summary: 'List the series of the history that you may see',
    scope: 'dashboard:read',
    effect: 'read',
    response: z.object({ items: z.array(HistorySeries) }),
  }),
  getHistory: endpoint({
    method: 'GET',
    path: '/api/dashboard/metrics/history',
    tag,
    summary: 'Get a series over time',
    description:
      'Kept in steps of 5 s for an hour, 1 min for 2 days, 15 min for 60 days and 1 day for 3 years. Series of accounts cover those that you may see; server-wide series require access to all accounts.',
    scope: 'dashboard:read',
    effect: 'read',
    query: z.strictObject({
      series: z.string().min(1).max(60),
      from: GivenTime,
      to: GivenTime.optional().describe('Default: now'),
      step: HistoryStep.optional().describe(
        'Default: the finest step that is kept that far back with at most 3,000 points',
      ),
      group_by: HistoryLabel.optional(),
      account_id: z.string().min(1).max(40).optional().describe('Only this account'),
      lines: wholeOr(historyBounds.groups, 0, historyBounds.groups).describe(
        'How many groups have points, those with the largest sums first, 0–100; every group has its total',
      ),
    }),
    response: History,
  }),
}
