/**
 * Slows down guessing at keys and tokens. What a generator made is too long to be guessed, so the right one is let in whatever else
 * comes from its address. A key that a person made up is not even looked at where too many wrong ones came from, unless the right one
 * has come from there before.
 */
import { networksOf, placeOf } from '../network/caller-address.ts'
import { Problem } from '../problem.ts'
import { TokenBuckets } from '../token-buckets.ts'

/** Of an address (IPv6: a network of 64 bits), and of IPv6 networks of 48 and 32 bits. */
const shares = [1, 4, 16] as const
/** Addresses kept in mind as those of the right key; when full, the one that used it longest ago goes. */
const maxRight = 1_000

export class WrongCredentials {
  readonly #buckets: readonly TokenBuckets[]
  readonly #right = new Set<string>()
  /** The one that came last. */
  #newest: string | undefined

  /** @param perMinute Wrong ones from one address. */
  constructor({ perMinute, now }: { perMinute: number; now: () => number }) {
    this.#buckets = shares.map(share => new TokenBuckets({ perMinute: perMinute * share, now }))
  }

  /** A wrong one has come. Answers what to say when there were too many; undefined while there were not. */
  note(address: string): Problem | undefined {
    for (const [width, network] of networksOf(address).entries()) {
      const { isAllowed, resetSeconds } = this.#buckets[width]!.take(network)
      // The wider networks are not charged for what a narrow one is refused.
      if (!isAllowed) return tooMany(resetSeconds)
    }
    return undefined
  }

  /** Whether a key that comes from there may be compared with the right one. */
  mayTryKey(address: string): boolean {
    if (this.#right.has(placeOf(address))) return true
    return networksOf(address).every((network, width) => this.#buckets[width]!.peek(network))
  }

  rightKeyCame(address: string): void {
    const place = placeOf(address)
    // Mostly one program has it.
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
