/** How often one may call: for each address before it is known who asks, for each principal after, and narrower for what costs much. */
import type { LimitName } from '../../../contract/endpoint.ts'
import { networksOf } from '../network/caller-address.ts'
import { anonymous, limitKeyOf, type Principal } from '../principal.ts'
import { Problem } from '../problem.ts'
import { type Standing, TokenBuckets } from '../token-buckets.ts'

/** Calls a minute. */
export type LimitRates = Record<'address' | 'principal' | LimitName, number>

type LimitKind = keyof LimitRates

/** Of an address, of its IPv6 network of 48 bits and of 32: a caller with many addresses gets little more by changing them. */
const shares = [1, 4, 16] as const

export class HttpLimits {
  /** For one caller, and for the wider networks of callers who are not known. */
  readonly #buckets: Record<LimitKind, TokenBuckets[]>
  readonly #policies: Record<LimitKind, string>

  constructor({ rates, now }: { rates: LimitRates; now: () => number }) {
    const kinds = Object.keys(rates) as LimitKind[]
    const each = <Value>(make: (kind: LimitKind) => Value) =>
      Object.fromEntries(kinds.map(kind => [kind, make(kind)])) as Record<LimitKind, Value>
    this.#buckets = each(kind => shares.map(share => new TokenBuckets({ perMinute: rates[kind] * share, now })))
    this.#policies = each(kind => `"${kind}";q=${rates[kind]};w=60`)
  }

  /** Whether `checkAddress` would let it pass. Takes nothing. */
  mayAsk(address: string): boolean {
    return networksOf(address).every((network, width) => this.#buckets.address[width]!.peek(network))
  }

  /** @throws Problem too_many_requests. */
  checkAddress(address: string): void {
    this.#check('address', networksOf(address))
  }

  /**
   * Answers the headers `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) of the limit that is nearest.
   * @throws Problem too_many_requests.
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

  /** Whether both would let it pass; takes from both when they do. For callers that ask elsewhere when refused. */
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

  /** @param keys From narrow to wide. Answers how the narrowest stands. */
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
