/** One value of a rule: the alert it belongs to, its window, and its aggregation. */
import type { AlertRuleBody } from '../../contract/alerts.ts'
import type { HistoryReader } from '../history/history-reader.ts'
import { BucketCounts, quantile } from '../history/point.ts'
import type { Labels } from '../history/series.ts'
import type { WindowPoint } from './sliding-window.ts'

export type ReadHistory = Pick<HistoryReader, 'read'>

export function instanceOf(rule: Pick<AlertRuleBody, 'per'>, labels: Labels): string {
  return JSON.stringify(Object.fromEntries(rule.per.map(label => [label, labels[label] ?? ''])))
}

export function windowOf(rule: Pick<AlertRuleBody, 'window_seconds'>, step: number): number {
  return Math.max(step, Math.ceil(rule.window_seconds / step) * step)
}

/** Aggregates the content of a window. */
export function aggregated({ aggregation }: AlertRuleBody, point: WindowPoint, window: number): number | undefined {
  if (aggregation === 'sum') return point.sum
  if (aggregation === 'per_minute') return (point.sum * 60) / window
  if (point.count === 0) return undefined
  if (aggregation === 'mean') return point.sum / point.count
  if (aggregation === 'min' || aggregation === 'max') return point[aggregation]
  const [share, buckets = []] = [Number(aggregation.slice(1)) / 100, point.buckets]
  return buckets instanceof BucketCounts ? buckets.quantile(share, point) : quantile(buckets, share, point)
}
