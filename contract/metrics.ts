/** Current metrics of the server: all measured, none estimated. Connections cover the accounts that the caller may see. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { Timestamp, wholeOr } from './wire.ts'

const percent = z.number().min(0).max(100)

export const ImapReadings = z.object({
  open: z.int().describe('Counts only accounts that you can see; `max` is server-wide'),
  idle: z.int(),
  busy: z.int(),
  connecting: z.int(),
  max: z.int().describe('Maximum concurrent connections of the whole server'),
})
export type ImapReadings = z.infer<typeof ImapReadings>

export const StorageReadings = z.object({
  is_writable: z
    .boolean()
    .describe('Whether the database accepts writes: tested within the last 30 s, or detected by a failed write'),
  fault: z
    .enum(['full', 'read_only', 'damaged', 'removed', 'silent', 'failed'])
    .nullable()
    .describe('The reason if it does not; null while it does'),
  write_failures: z.int().min(0).describe('Failed database writes since the server started'),
  free_bytes: z
    .int()
    .min(0)
    .nullable()
    .describe('Space on the file system of an SQLite database; null with PostgreSQL'),
  total_bytes: z.int().min(0).nullable(),
})
export type StorageReadings = z.infer<typeof StorageReadings>

export const DashboardStats = z
  .object({
    active_connections: z.int().describe('IMAP connections open now, of the accounts that you may see'),
    requests_per_minute: z
      .number()
      .describe('API and MCP requests finished in the last 60 s; streams, health and files are not counted'),
    average_response_time_ms: z.number().describe('Mean response time over the same 60 s; 0 when there were none'),
    system_cpu_usage: percent.describe('Percent of the processors that this process may use'),
    system_memory_usage: percent.describe('Percent of the memory that this process may use'),
    uptime_seconds: z.int(),
    active_sse_connections: z.int(),
    response_time_ms: z.object({ p50: z.number(), p95: z.number(), p99: z.number() }),
    imap: ImapReadings,
    errors: z.object({
      failed_requests: z
        .int()
        .describe('Requests of the last 60 s that failed in this server (5xx except 502 and 504)'),
      slow_streams: z.int().describe('Event streams closed in the last minute because their reader was too slow'),
    }),
    process: z.object({
      rss_bytes: z.int(),
      cpu_percent: z.number().describe('Percent of one processor; more than 100 with several busy threads'),
      event_loop_lag_ms: z.number().describe('99th percentile since the last sample'),
    }),
    storage: StorageReadings,
    sampled_at: Timestamp,
  })
  .meta({ id: 'DashboardStats' })
export type DashboardStats = z.infer<typeof DashboardStats>

/** One sample kept for the small charts. `at` is in epoch seconds. */
export const Sample = z
  .object({
    at: z.int(),
    active_connections: z.int().describe('Connections at that time, of the accounts that you may see now'),
    requests_per_minute: z.number(),
    average_response_time_ms: z.number(),
    p95_ms: z.number(),
    system_cpu_usage: z.number(),
    system_memory_usage: z.number(),
    active_sse_connections: z.int(),
  })
  .meta({ id: 'Sample' })
export type Sample = z.infer<typeof Sample>

const tag = 'Metrics'
export const metricsApi = {
  getStats: endpoint({
    method: 'GET',
    path: '/api/dashboard/stats',
    tag,
    summary: 'Get the current figures',
    scope: 'dashboard:read',
    effect: 'read',
    response: DashboardStats,
  }),
  listSamples: endpoint({
    method: 'GET',
    path: '/api/dashboard/samples',
    tag,
    summary:
      'List the figures of at most the last hour, one sample every 5 s, oldest first; missing samples are not interpolated',
    scope: 'dashboard:read',
    effect: 'read',
    query: z.strictObject({ minutes: wholeOr(15, 1, 60) }),
    response: z.object({ interval_seconds: z.number(), items: z.array(Sample) }),
  }),
}
