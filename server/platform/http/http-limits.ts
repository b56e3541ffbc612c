/** Rate limits: per address before authentication, per principal after, and stricter ones for expensive operations. */
import type { LimitName } from '../../../contract/endpoint.ts'
import { networksOf } from '../network/caller-address.ts'
import { anonymous, limitKeyOf, type Principal } from '../principal.ts'
import { Problem } from '../problem.ts'
import { type Standing, TokenBuckets } from '../token-buckets.ts'

/** Calls per minute. */
export type LimitRates = Record<'address' | 'principal' | LimitName, number>

type LimitKind = keyof LimitRates

/** Multiples of the rate for an address, its IPv6 /48 and its /32 network: rotating addresses gains a caller little. */
const shares = [1, 4, 16] as const

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
    return networksOf(address).every((network, width) => this.#buckets.address[width]!.peek(network))
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
    const keys = principal === anonymous ? networksOf(address) : [limitKeyOf(principal)]
    const kind = limit ?? 'principal'
    const standing = limit ? this.#check(limit, keys) : undefined
    const common = this.#check('principal', keys)
    const shown = standing ?? common
    return {
      'ratelimit-policy': this.#policies[kind],
      ratelimit: `"${kind}";r=${shown.remaining};t=${shown.resetSeconds}`,
    }
  }

  /** Returns whether both checks pass, and consumes from both. For callers that fall back elsewhere if rejected. */
  admits(principal: Principal, address: string, limit: LimitName | undefined): boolean {
    try {
      this.checkAddress(address)
      this.checkPrincipal(principal, address, limit)
      return true
    } catch (error) {
      if (error instanceof Problem) return false
      throw error
    }
  }

  /** Checks all widths, and returns the standing of the narrowest. @param keys From narrow to wide. */
  #check(kind: LimitKind, keys: readonly string[]): Standing {
    const buckets = this.#buckets[kind]
    const narrowest = this.#take(buckets[0]!, keys[0]!, kind, 0)
    for (let width = 1; width < keys.length; width++) this.#take(buckets[width]!, keys[width]!, kind, width)
    return narrowest
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
