/** The readings behind the sparklines: loaded once, then appended from the stream; none is interpolated. */
import type { DashboardStats, Sample } from '../../contract/metrics.ts'

/** The window of the sparklines, in minutes. */
export const sampleMinutes = 15

export interface Samples {
  interval_seconds: number
  items: Sample[]
}

/** Appends a reading unless it is already there, and drops those older than the window, so the list stays bounded. */
export function appendSample(samples: Samples, stats: DashboardStats): Samples {
  const sample = toSample(stats)
  const last = samples.items.at(-1)
  if (last && sample.at <= last.at) return samples
  const oldest = sample.at - sampleMinutes * 60
  return { ...samples, items: [...samples.items.filter(({ at }) => at >= oldest), sample] }
}

function toSample(stats: DashboardStats): Sample {
  return {
    at: Math.floor(Date.parse(stats.sampled_at) / 1000),
    active_connections: stats.active_connections,
    requests_per_minute: stats.requests_per_minute,
    average_response_time_ms: stats.average_response_time_ms,
    p95_ms: stats.response_time_ms.p95,
    system_cpu_usage: stats.system_cpu_usage,
    system_memory_usage: stats.system_memory_usage,
    active_sse_connections: stats.active_sse_connections,
  }
}
