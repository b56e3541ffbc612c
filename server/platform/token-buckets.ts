/** Token buckets (as in RFC 2697, one rate): a caller that calls too often waits; after a pause it may call in a burst again. */

export interface Standing {
  isAllowed: boolean
  /** Calls that may follow at once. */
  remaining: number
  /** Until the next call may come when none remains, else until the bucket is full. */
  resetSeconds: number
}

interface Bucket {
  left: number
  at: number
}

/** Buckets held; past it the oldest is evicted; its owner starts over with a full one. */
const maxBuckets = 20_000

export class TokenBuckets {
  readonly perMinute: number
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()

  /** @param perMinute Calls a minute; as many may come in one burst. */
  constructor({ perMinute, now }: { perMinute: number; now: () => number }) {
    this.perMinute = perMinute
    this.#now = now
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Whether a call would be allowed. Takes nothing. */
  peek(key: string): boolean {
    const bucket = this.#buckets.get(key)
    return bucket === undefined || this.#refill(bucket).left >= 1
  }

  /** A refused call takes nothing. */
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
