/** A metric family at one moment, cumulative since the start. */

export type MetricReading = { name: string; help: string } & (
  | { kind: 'gauge' | 'sum'; points: { labels: Record<string, string>; value: number }[] }
  | { kind: 'histogram'; points: HistogramPoint[] }
)

export interface HistogramPoint {
  labels: Record<string, string>
  sum: number
  count: number
  /** Ascending upper bounds. */
  bounds: number[]
  /** Counts per bucket, not cumulative; one more than bounds, for values above all of them. */
  counts: number[]
}
