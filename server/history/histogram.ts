/**
 * A mergeable histogram of durations: buckets that grow by a constant factor, so that a quantile over a month is as true as one over a minute.
 * As in DDSketch (Masson, Rim, Lee; VLDB 2019): the relative error of a quantile is bounded whatever is merged.
 */

/** Bucket number to count; bucket `n` holds what is above `growth^(n-1)` and at most `growth^n`, in the unit of the series. */
export type Buckets = Map<number, number>

/** Six buckets for each doubling. */
const perDoubling = 6
export const growth = 2 ** (1 / perDoubling)
/** Of a quantile: the middle of its bucket is at most this far from what was measured. */
export const relativeError = (growth - 1) / (growth + 1)
/** For 0 and below, which are below every bucket. */
const zero = -1_000
/** Up to 2^40 units: whatever is longer counts as that. */
const highest = 40 * perDoubling
const lowest = -20 * perDoubling

export function bucketOf(value: number): number {
  if (!(value > 0)) return zero
  return Math.min(highest, Math.max(lowest, Math.ceil(Math.log2(value) * perDoubling - 1e-9)))
}

export function addTo(buckets: Buckets, bucket: number, count = 1): void {
  buckets.set(bucket, (buckets.get(bucket) ?? 0) + count)
}

export function mergeInto(buckets: Buckets, others: Buckets): void {
  for (const [bucket, count] of others) addTo(buckets, bucket, count)
}

/**
 * @param share 0 to 1. @param bounds What was measured at least and at most: no quantile is said beyond.
 * @returns undefined where nothing was measured.
 */
export function quantile(buckets: Buckets, share: number, bounds: { min: number; max: number }): number | undefined {
  let [total, first, last] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const [bucket, count] of buckets) {
    total += count
    if (bucket === zero) continue
    if (bucket < first) first = bucket
    if (bucket > last) last = bucket
  }
  if (total === 0) return undefined
  const rank = Math.max(1, Math.ceil(share * total))
  let seen = buckets.get(zero) ?? 0
  if (seen >= rank) return Math.min(bounds.max, Math.max(bounds.min, 0))
  // In their order, without sorting them: they lie close together.
  for (let bucket = first; bucket <= last; bucket++) {
    seen += buckets.get(bucket) ?? 0
    if (seen < rank) continue
    return Math.min(bounds.max, Math.max(bounds.min, (2 * growth ** bucket) / (growth + 1)))
  }
  return bounds.max
}
