/** A family of figures at one moment, counted since the start. */

export type MetricReading = { name: string; help: string } & (
  | { kind: 'gauge' | 'sum'; points: { labels: Record<string, string>; value: number }[] }
  | { kind: 'histogram'; points: HistogramPoint[] }
)

export interface HistogramPoint {
  labels: Record<string, string>
  sum: number
  count: number
  /** Upper bounds, rising. */
  bounds: number[]
  /** Of each bound what lies below it and above the one before; one more for what lies above all. */
  counts: number[]
}
