/** Rate limits: per address before authentication, per principal after, and stricter ones for expensive operations. */
import type { LimitName } from '../../contract/endpoint.ts'
import { networksOf } from './network/caller-address.ts'
import { anonymous, limitKeyOf, type Principal } from './principal.ts'
import { Problem } from './problem.ts'

interface Standing {
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

/** Token buckets (single rate, as in RFC 2697): callers are throttled, and may burst again after a pause. */
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

/** Calls per minute. */
export type LimitRates = Record<'address' | 'principal' | LimitName, number>

type LimitKind = keyof LimitRates

/** Multiples of the rate for an address, its IPv6 /48 and its /32 network: rotating addresses gains a caller little. */
const shares = [1, 4, 16] as const

/** The limits of requests, and of the calls of tools in them. */
export class HttpLimits {
  /** Buckets per caller, and for the wider networks of anonymous callers. */
  readonly #buckets: Record<LimitKind, TokenBuckets[]>
  readonly #policies: Record<LimitKind, string>

  constructor({ rates, now }: { rates: LimitRates; now: () => number }) {
    const kinds = Object.keys(rates) as LimitKind[]
    const each = <Value>(make: (kind: LimitKind) => Value) =>
      Object.fromEntries(kinds.map(kind => [kind, make(kind)])) as Record<LimitKind, Value>
    this.#buckets = each(kind => shares.map(share => new TokenBuckets({ perMinute: rates[kind] * share, now })))
    this.#policies = each(kind => `"${kind}";q=${rates[kind]};w=60`)
  }

  /** Whether `checkAddress` would pass; consumes no tokens. */
  mayRequest(address: string): boolean {
    return this.#peek('address', networksOf(address))
  }

  /** @throws Problem `too_many_requests` */
  checkAddress(address: string): void {
    this.#check('address', networksOf(address))
  }

  /**
   * Returns the headers `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) of the strictest
   * limit.
   * @throws Problem `too_many_requests`
   */
  checkPrincipal(principal: Principal, address: string, limit: LimitName | undefined): Record<string, string> {
    const keys = keysOf(principal, address)
    const kind = limit ?? 'principal'
    const standing = limit ? this.#check(limit, keys) : undefined
    const common = this.#check('principal', keys)
    const shown = standing ?? common
    return {
      'ratelimit-policy': this.#policies[kind],
      ratelimit: `"${kind}";r=${shown.remaining};t=${shown.resetSeconds}`,
    }
  }

  /** Whether `checkAddress` and `checkPrincipal` would pass; consumes no tokens. */
  mayCall(principal: Principal, address: string, limit: LimitName | undefined): boolean {
    if (!this.mayRequest(address)) return false
    const keys = keysOf(principal, address)
    return (limit ? [limit, 'principal' as const] : ['principal' as const]).every(kind => this.#peek(kind, keys))
  }

  /** Checks all widths, and returns the standing of the narrowest. @param keys From narrow to wide. */
  #check(kind: LimitKind, keys: readonly string[]): Standing {
    const buckets = this.#buckets[kind]
    const narrowest = this.#take(buckets[0]!, keys[0]!, kind, 0)
    for (let width = 1; width < keys.length; width++) this.#take(buckets[width]!, keys[width]!, kind, width)
    return narrowest
  }

  #peek(kind: LimitKind, keys: readonly string[]): boolean {
    return keys.every((key, width) => this.#buckets[kind][width]!.peek(key))
  }

  #take(buckets: TokenBuckets, key: string, kind: LimitKind, width: number): Standing {
    const standing = buckets.take(key)
    if (standing.isAllowed) return standing
    const one = kind === 'address' ? 'this address' : 'you'
    const who = width === 0 ? one : 'this network'
    throw new Problem('too_many_requests', `At most ${buckets.perMinute} such requests per minute from ${who}.`, {
      retryAfterSeconds: standing.resetSeconds,
    })
  }
}

/** Keys from narrow to wide. */
function keysOf(principal: Principal, address: string): readonly string[] {
  return principal === anonymous ? networksOf(address) : [limitKeyOf(principal)]
}
