/** Response times on the overview; without requests there is none, and 0 ms would be wrong. */
import type { DashboardStats, Sample } from '../../contract/metrics.ts'
import { formatNumber } from '../platform/format.ts'

type Stats = Pick<DashboardStats, 'requests_per_minute' | 'response_time_ms' | 'average_response_time_ms'>

export function responseWords(stats: Stats): { value: string; unit: string; detail: string } {
  if (stats.requests_per_minute === 0) return { value: '–', unit: '', detail: 'no request in the last minute' }
  const { response_time_ms: times, average_response_time_ms: average } = stats
  return { value: formatNumber(times.p95), unit: 'ms', detail: `average ${formatNumber(average)} ms` }
}

/** Returns the p95; undefined leaves a gap in the chart. */
export function p95Of(sample: Pick<Sample, 'requests_per_minute' | 'p95_ms'>): number | undefined {
  return sample.requests_per_minute > 0 ? sample.p95_ms : undefined
}
