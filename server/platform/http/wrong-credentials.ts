/**
 * Throttles guessing of keys and tokens. Generated ones are too long to be guessed, so a valid one is accepted whatever
 * else its address sends. A key chosen by a person is not even compared after too many wrong ones from an address,
 * unless the right one has been used from there before.
 */
import { networksOf, placeOf } from '../network/caller-address.ts'
import { Problem } from '../problem.ts'
import { TokenBuckets } from '../rate-limits.ts'

/** Multiples of the rate for an address (IPv6: /64 network), and for IPv6 /48 and /32 networks. */
const shares = [1, 4, 16] as const
/** Addresses remembered as users of the right key; when full, the least recent one is evicted. */
const maxRight = 1_000

export class WrongCredentials {
  readonly #buckets: readonly TokenBuckets[]
  readonly #right = new Set<string>()
  /** The last address that used the right key. */
  #newest: string | undefined

  /** @param perMinute Wrong credentials allowed per address. */
  constructor({ perMinute, now }: { perMinute: number; now: () => number }) {
    this.#buckets = shares.map(share => new TokenBuckets({ perMinute: perMinute * share, now }))
  }

  /** Counts wrong credentials. Returns a problem if there were too many, else undefined. */
  note(address: string): Problem | undefined {
    for (const [width, network] of networksOf(address).entries()) {
      const { isAllowed, resetSeconds } = this.#buckets[width]!.take(network)
      // If a narrow network is over its limit, the wider ones are not charged.
      if (!isAllowed) return tooMany(resetSeconds)
    }
    return undefined
  }

  /** Whether a key from this address may be compared with the right one. */
  mayTryKey(address: string): boolean {
    if (this.#right.has(placeOf(address))) return true
    return networksOf(address).every((network, width) => this.#buckets[width]!.peek(network))
  }

  rightKeyCame(address: string): void {
    const place = placeOf(address)
    // Fast path: usually a single program uses it.
    if (place === this.#newest) return
    this.#newest = place
    this.#right.delete(place)
    if (this.#right.size >= maxRight) this.#right.delete(this.#right.keys().next().value!)
    this.#right.add(place)
  }
}

function tooMany(retryAfterSeconds: number): Problem {
  const detail = 'Too many wrong keys or tokens from this address. Check your credentials and try again later.'
  return new Problem('too_many_attempts', detail, { retryAfterSeconds })
}
