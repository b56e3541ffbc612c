/** Token buckets (single rate, as in RFC 2697): callers are throttled, and may burst again after a pause. */

export interface Standing {
  isAllowed: boolean
  /** Calls possible now. */
  remaining: number
  /** Seconds until the next call is possible if none remains, else until the bucket is full. */
  resetSeconds: number
}

interface Bucket {
  left: number
  at: number
}

/** Buckets held; past it, the oldest is evicted, and its caller starts with a full one. */
const maxBuckets = 20_000

export class TokenBuckets {
  readonly perMinute: number
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()

  /** @param perMinute Calls per minute, which is also the size of a burst. */
  constructor({ perMinute, now }: { perMinute: number; now: () => number }) {
    this.perMinute = perMinute
    this.#now = now
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Whether a call would be allowed; consumes nothing. */
  peek(key: string): boolean {
    const bucket = this.#buckets.get(key)
    return bucket === undefined || this.#refill(bucket).left >= 1
  }

  /** Takes a token; a rejected call consumes nothing. */
  take(key: string): Standing {
    const bucket = this.#refill(this.#buckets.get(key) ?? this.#add(key))
    const perMs = this.perMinute / 60_000
    const isAllowed = bucket.left >= 1
    if (isAllowed) bucket.left--
    const missing = isAllowed ? this.perMinute - bucket.left : 1 - bucket.left
    return { isAllowed, remaining: Math.floor(bucket.left), resetSeconds: Math.ceil(missing / perMs / 1000) }
  }

  #refill(bucket: Bucket): Bucket {
    const now = this.#now()
    bucket.left = Math.min(this.perMinute, bucket.left + (Math.max(0, now - bucket.at) * this.perMinute) / 60_000)
    bucket.at = now
    return bucket
  }

  #add(key: string): Bucket {
    if (this.#buckets.size >= maxBuckets) this.#buckets.delete(this.#buckets.keys().next().value!)
    const bucket = { left: this.perMinute, at: this.#now() }
    this.#buckets.set(key, bucket)
    return bucket
  }
}
