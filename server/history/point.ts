/**
 * The aggregate of a series over one step, with durations in buckets. Points of shorter steps merge into one of a
 * longer step without loss.
 */

/**
 * A mergeable histogram of durations: buckets grow by a constant factor, so that a quantile over a month is as precise
 * as one over a minute. As in DDSketch (Masson, Rim, Lee; VLDB 2019), the relative error of a quantile stays bounded
 * under merging.
 *
 * Pairs of bucket number and count, ordered by number; bucket `n` holds values above `growth^(n-1)` and at most
 * `growth^n`, in the unit of the series. An array, since one answer reads hundreds of thousands.
 */
export type Buckets = number[]

/** Buckets per doubling. */
const perDoubling = 6
export const growth = 2 ** (1 / perDoubling)
/**
 * Upper bound of the relative error of a quantile: the middle of its bucket is at most this far from the measured
 * value.
 */
export const relativeError = (growth - 1) / (growth + 1)
/** The bucket for 0 and below, which is below all others. */
const zero = -1_000
/** The highest bucket, at 2^40 units; longer values are counted in it. */
const highest = 40 * perDoubling
const lowest = -20 * perDoubling

export function bucketOf(value: number): number {
  if (!(value > 0)) return zero
  return Math.min(highest, Math.max(lowest, Math.ceil(Math.log2(value) * perDoubling - 1e-9)))
}

export function addTo(buckets: Buckets, bucket: number, count = 1): void {
  mergeInto(buckets, [bucket, count])
}

export function mergeInto(buckets: Buckets, others: Buckets): void {
  let place = 0
  for (let other = 0; other < others.length; other += 2) {
    const bucket = others[other]!
    const count = others[other + 1]!
    while (place < buckets.length && buckets[place]! < bucket) place += 2
    if (buckets[place] === bucket) buckets[place + 1]! += count
    else buckets.splice(place, 0, bucket, count)
  }
}

/**
 * Returns a quantile.
 * @param share 0 to 1.
 * @param bounds The least and greatest measured value, to which the result is clamped.
 * @returns undefined if nothing was measured.
 */
export function quantile(buckets: Buckets, share: number, bounds: { min: number; max: number }): number | undefined {
  let total = 0
  for (let place = 1; place < buckets.length; place += 2) total += buckets[place]!
  if (total === 0) return undefined
  const rank = Math.max(1, Math.ceil(share * total))
  let seen = 0
  for (let place = 0; place < buckets.length; place += 2) {
    seen += buckets[place + 1]!
    if (seen >= rank) return within(bounds, buckets[place]!)
  }
  return bounds.max
}

/** Counts of all buckets, to and from which histograms are added and subtracted: a sliding window. */
export class BucketCounts {
  readonly #counts = new Float64Array(highest - lowest + 2)
  #total = 0
  /** The range of places in which anything was ever counted. */
  #first = this.#counts.length
  #last = -1

  /** @param sign -1 subtracts what was merged before. */
  merge(buckets: Buckets, sign: 1 | -1): void {
    for (let at = 0; at < buckets.length; at += 2) {
      const bucket = buckets[at]!
      const place = bucket < lowest ? 0 : Math.min(highest, bucket) - lowest + 1
      if (place < this.#first) this.#first = place
      if (place > this.#last) this.#last = place
      this.#counts[place]! += sign * buckets[at + 1]!
      this.#total += sign * buckets[at + 1]!
    }
  }

  clear(): void {
    this.#counts.fill(0)
    this.#total = 0
  }

  quantile(share: number, bounds: { min: number; max: number }): number | undefined {
    if (this.#total === 0) return undefined
    let left = Math.max(1, Math.ceil(share * this.#total))
    for (let place = this.#first; place <= this.#last; place++) {
      left -= this.#counts[place]!
      if (left <= 0) return within(bounds, place === 0 ? zero : place - 1 + lowest)
    }
    return bounds.max
  }
}

function within({ min, max }: { min: number; max: number }, bucket: number): number {
  const middle = bucket === zero ? 0 : (2 * growth ** bucket) / (growth + 1)
  return Math.min(max, Math.max(min, middle))
}

export interface Point {
  /** Number of values: samples of a gauge, measured durations, or steps in which something was counted. */
  count: number
  sum: number
  min: number
  max: number
  /** Set for durations only. */
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

/** Merges points of successive times into one of a longer step. */
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
 * Merges several series of the same time: durations merge, counts and gauges add up. The extremes of such a sum are
 * only bounds, since those of two series need not coincide: `min` may be too low and `max` too high, never the reverse.
 */
export function addSeries(into: Point | undefined, point: Point, kind: 'gauge' | 'count' | 'latency'): Point {
  if (!into) return copyOf(point)
  if (kind === 'latency') return mergeTimes(into, point)
  const count = Math.max(into.count, point.count)
  // The mean of a gauge covers only the time in which it existed.
  into.sum = kind === 'count' ? into.sum + point.sum : (into.sum / into.count + point.sum / point.count) * count
  into.count = count
  into.min += point.min
  into.max += point.max
  return into
}
