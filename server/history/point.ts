/** What is kept of a series over one step of time. Points of shorter steps merge into one of a longer step without loss. */
import { addTo, type Buckets, bucketOf, mergeInto } from './histogram.ts'

export interface Point {
  /** Of values: samples of a gauge, measured durations, or steps in which something was counted. */
  count: number
  sum: number
  min: number
  max: number
  /** Of durations alone. */
  buckets?: Buckets | undefined
}

export function pointOf(value: number): Point {
  return { count: 1, sum: value, min: value, max: value }
}

export function observe(point: Point | undefined, value: number): Point {
  const into = point ?? { count: 0, sum: 0, min: value, max: value, buckets: [] }
  into.count++
  into.sum += value
  if (value < into.min) into.min = value
  if (value > into.max) into.max = value
  into.buckets ??= []
  addTo(into.buckets, bucketOf(value))
  return into
}

export function copyOf({ count, sum, min, max, buckets }: Point): Point {
  return { count, sum, min, max, ...(buckets ? { buckets: [...buckets] } : {}) }
}

/** One after the other: what a longer step is made of. */
export function mergeTimes(into: Point | undefined, point: Point): Point {
  if (!into) return copyOf(point)
  into.count += point.count
  into.sum += point.sum
  into.min = Math.min(into.min, point.min)
  into.max = Math.max(into.max, point.max)
  if (point.buckets) {
    into.buckets ??= []
    mergeInto(into.buckets, point.buckets)
  }
  return into
}

/**
 * Several series at the same time, as one: durations merge, counts and gauges add up. What such a sum was at least and at most is known in bounds alone,
 * since the highest of two series need not fall together: `min` may be too low and `max` too high, never the reverse.
 */
export function addSeries(into: Point | undefined, point: Point, kind: 'gauge' | 'count' | 'latency'): Point {
  if (!into) return copyOf(point)
  if (kind === 'latency') return mergeTimes(into, point)
  const count = Math.max(into.count, point.count)
  // The mean of a gauge is over the time in which it was there.
  into.sum = kind === 'count' ? into.sum + point.sum : (into.sum / into.count + point.sum / point.count) * count
  into.count = count
  into.min += point.min
  into.max += point.max
  return into
}
