/**
 * Throttles guessing by growing delays, never by a lock: users who have not failed from their own address always get
 * in.
 */
import { doubledMs } from '../platform/doubling.ts'
import { networksOf } from '../platform/network/caller-address.ts'
import { Problem } from '../platform/problem.ts'

/** One attempt: the secret that is tried, and the address that tries it. */
export interface Attempt {
  /** A key from `passwordOf` or `codeOf`, whether or not such a user exists. */
  user: string
  address: string
  /** True for a secret short enough to be guessed from many addresses: then failures of others delay everyone. */
  isShort?: boolean
}

interface Limit {
  /** Attempts without a delay. */
  free: number
  maxDelayMs: number
}

interface Tries {
  count: number
  /** The time of the last attempt, in epoch ms. */
  at: number
}

/**
 * Limits for an address (in IPv6 its /64 network), and for the /48 and /32 networks around it, since a holder of one of
 * those has thousands of narrower ones. Wider networks have more users, so more attempts are free and delays are
 * shorter.
 */
const widths = [
  { pair: { free: 4, maxDelayMs: 5 * 60_000 }, place: { free: 10, maxDelayMs: 60_000 } },
  { pair: { free: 8, maxDelayMs: 5 * 60_000 }, place: { free: 20, maxDelayMs: 30_000 } },
  { pair: { free: 20, maxDelayMs: 10_000 }, place: { free: 40, maxDelayMs: 2_000 } },
] as const satisfies { pair: Limit; place: Limit }[]
const limits = {
  user: { free: 20, maxDelayMs: 60_000 },
  short: { free: 10, maxDelayMs: 5 * 60_000 },
} as const satisfies Record<string, Limit>
/** Widths at which a caller with an own failure is also delayed by failures of others with the same email. */
const ownWidths = 2
const firstDelayMs = 1_000
/** One attempt is forgotten for each such interval without another, in ms. */
const fadeMs = 10 * 60_000
/** Upper bound of counted attempts beyond the free ones, so that the count fades within hours. */
const maxBeyond = 20
/** Entries of each table; when full, the one tried longest ago is evicted. */
const maxEntries = 10_000

export class SignInThrottle {
  /** One table per width, so that filling that of narrow networks does not evict entries of wide ones. */
  readonly #pairs: readonly TryTable[]
  readonly #places: readonly TryTable[]
  readonly #users: TryTable
  readonly #now: () => number

  constructor({ now }: { now: () => number }) {
    this.#now = now
    this.#pairs = widths.map(({ pair }) => new TryTable(now, pair.free + maxBeyond))
    this.#places = widths.map(({ place }) => new TryTable(now, place.free + maxBeyond))
    this.#users = new TryTable(now, limits.user.free + maxBeyond)
  }

  /**
   * Checks an attempt, and counts it as failed from now on, so that parallel ones cannot all pass. The caller reports
   * the outcome by one of the other three methods. Returns how often this address failed lately: attempts with lower
   * numbers go first.
   * @throws Problem too_many_attempts.
   */
  check(attempt: Attempt): number {
    const ofUser = this.#users.read(attempt.user)
    const ofPairs = this.#pairsOf(attempt).map(({ table, key }) => table.read(key))
    const ofPlaces = this.#placesOf(attempt).map(({ table, key }) => table.read(key))
    const ends = [
      ...ofPairs.map((tries, width) => endOfDelay(tries, widths[width]!.pair)),
      ...ofPlaces.map((tries, width) => endOfDelay(tries, widths[width]!.place)),
    ]
    const own = ofPairs.slice(0, ownWidths).filter(({ count }) => count > 0)
    if (attempt.isShort) ends.push(endOfDelay(ofUser, limits.short))
    // Failures of others delay only callers that failed themselves, and only from that time on.
    else if (own.length > 0) ends.push(endOfDelay({ ...ofUser, at: Math.max(...own.map(({ at }) => at)) }, limits.user))
    const waitMs = Math.max(...ends) - this.#now()
    if (waitMs > 0) throw tooMany(Math.ceil(waitMs / 1000))
    this.#each(attempt, (table, key) => table.add(key))
    return Math.max(...ofPlaces.slice(0, ownWidths).map(({ count }) => count))
  }

  /** Restarts the delay from now. */
  failed(attempt: Attempt): void {
    this.#each(attempt, (table, key) => table.renew(key))
  }

  /**
   * Forgets only this attempt for the address and others, since a user who can sign in could otherwise guess at others'
   * accounts in between.
   */
  succeeded(attempt: Attempt): void {
    this.withdrawn(attempt)
    const [own] = this.#pairsOf(attempt)
    own?.table.delete(own.key)
  }

  /** Withdraws an attempt that ended neither right nor wrong. */
  withdrawn(attempt: Attempt): void {
    this.#each(attempt, (table, key) => table.takeBack(key))
  }

  #each(attempt: Attempt, change: (table: TryTable, key: string) => void): void {
    for (const { table, key } of [...this.#pairsOf(attempt), ...this.#placesOf(attempt)]) change(table, key)
    change(this.#users, attempt.user)
  }

  #pairsOf({ user, address }: Attempt): Kept[] {
    return networksOf(address).map((network, width) => ({ table: this.#pairs[width]!, key: `${network} ${user}` }))
  }

  #placesOf({ address }: Attempt): Kept[] {
    return networksOf(address).map((network, width) => ({ table: this.#places[width]!, key: network }))
  }
}

/** A table that counts an attempt, and the key in it. */
interface Kept {
  table: TryTable
  key: string
}

class TryTable {
  readonly #entries = new Map<string, Tries>()
  readonly #now: () => number
  readonly #maxCount: number

  constructor(now: () => number, maxCount: number) {
    this.#now = now
    this.#maxCount = maxCount
  }

  /** Returns the attempts that have not faded yet. */
  read(key: string): Tries {
    const entry = this.#entries.get(key)
    if (!entry) return { count: 0, at: 0 }
    return { count: Math.max(0, entry.count - Math.floor((this.#now() - entry.at) / fadeMs)), at: entry.at }
  }

  add(key: string): void {
    const count = Math.min(this.#maxCount, this.read(key).count + 1)
    this.#entries.delete(key)
    if (this.#entries.size >= maxEntries) this.#entries.delete(this.#entries.keys().next().value!)
    this.#entries.set(key, { count, at: this.#now() })
  }

  renew(key: string): void {
    const entry = this.#entries.get(key)
    if (entry) entry.at = this.#now()
  }

  takeBack(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    if (entry.count <= 1) this.#entries.delete(key)
    else entry.count--
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}

/**
 * Returns the key of a password.
 * @param email As typed.
 */
export function passwordOf(email: string): string {
  return `password of ${email}`
}

/**
 * Returns the key of a user's codes; its prefix differs from that of passwords, so that no typed email can delay them.
 */
export function codeOf(userId: string): string {
  return `code of ${userId}`
}

/** Returns when the next attempt is allowed, in epoch ms. */
function endOfDelay({ count, at }: Tries, { free, maxDelayMs }: Limit): number {
  return count < free ? 0 : at + doubledMs(count - free, firstDelayMs, maxDelayMs)
}

function tooMany(retryAfterSeconds: number): Problem {
  const wait = retryAfterSeconds === 1 ? 'a second' : `${retryAfterSeconds} seconds`
  return new Problem('too_many_attempts', `Too many wrong attempts. Try again in ${wait}.`, { retryAfterSeconds })
}
