/** How often one may call: for each address before it is known who asks, for each principal after, and narrower for what costs much. */
import type { LimitName } from '../../contract/endpoint.ts'
import { anonymous, type Principal } from './principal.ts'
import { Problem } from './problem.ts'
import { type Standing, TokenBuckets } from './token-buckets.ts'

/** Calls a minute. */
export type LimitRates = Record<'address' | 'principal' | LimitName, number>

type LimitKind = keyof LimitRates

export class HttpLimits {
  readonly #buckets: Record<LimitKind, TokenBuckets>
  readonly #policies: Record<LimitKind, string>

  constructor({ rates, now }: { rates: LimitRates; now: () => number }) {
    const kinds = Object.keys(rates) as LimitKind[]
    const each = <Value>(make: (kind: LimitKind) => Value) =>
      Object.fromEntries(kinds.map(kind => [kind, make(kind)])) as Record<LimitKind, Value>
    this.#buckets = each(kind => new TokenBuckets({ perMinute: rates[kind], now }))
    this.#policies = each(kind => `"${kind}";q=${rates[kind]};w=60`)
  }

  /** @throws Problem too_many_requests. */
  checkAddress(address: string): void {
    this.#check('address', placeOf(address))
  }

  /**
   * Answers the headers `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) of the limit that is nearest.
   * @throws Problem too_many_requests.
   */
  checkPrincipal(principal: Principal, address: string, limit: LimitName | undefined): Record<string, string> {
    const key = principal === anonymous ? placeOf(address) : principal.id
    const kind = limit ?? 'principal'
    const standing = limit ? this.#check(limit, key) : undefined
    const common = this.#check('principal', key)
    const shown = standing ?? common
    return {
      'ratelimit-policy': this.#policies[kind],
      ratelimit: `"${kind}";r=${shown.remaining};t=${shown.resetSeconds}`,
    }
  }

  /** Whether both would let it pass; takes from both when they do. For who asks again elsewhere when refused. */
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

  #check(kind: LimitKind, key: string): Standing {
    const standing = this.#buckets[kind].take(key)
    if (standing.isAllowed) return standing
    const { perMinute } = this.#buckets[kind]
    const who = kind === 'address' ? 'this address' : 'you'
    throw new Problem('too_many_requests', `At most ${perMinute} such requests a minute from ${who}.`, {
      retryAfterSeconds: standing.resetSeconds,
    })
  }
}

/** An IPv6 network of 64 bits belongs to one site, which may use any address of it (RFC 6177). */
export function placeOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address.replace('::ffff:', '')
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const groups = head.split(':')
  const behind = tail?.split(':') ?? []
  const filled =
    tail === undefined ? groups : [...groups, ...Array(8 - groups.length - behind.length).fill('0'), ...behind]
  return `${filled
    .slice(0, 4)
    .map(group => (group || '0').replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}
