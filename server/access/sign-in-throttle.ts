/** Slows down guessing, by delays that grow and never by a lock: who has not failed from their own address gets in. */
import { doubledMs } from '../platform/doubling.ts'
import { networksOf } from '../platform/network/caller-address.ts'
import { Problem } from '../platform/problem.ts'

/** What is tried, and where from. */
export interface Attempt {
  /** One of `passwordOf` and `codeOf`; whether there is such a person makes no difference. */
  user: string
  address: string
  /** For what is short enough to be guessed from many addresses: then what others tried holds everybody up. */
  isShort?: boolean
}

interface Limit {
  /** Tries without a delay. */
  free: number
  maxDelayMs: number
}

interface Tries {
  count: number
  /** When the last one was. */
  at: number
}

/**
 * For an address (of IPv6 its network of 64 bits), and for the networks of 48 and 32 bits around an IPv6 address: anyone who has one of
 * those has thousands of the narrower ones. The wider it is, the more others are in it, so the more is free and the shorter the delay.
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
/** Widths at which somebody who was wrong is held up by what others tried with the same email. */
const ownWidths = 2
const firstDelayMs = 1_000
/** One try is forgotten for each of these that pass without another. */
const fadeMs = 10 * 60_000
/** More than so many beyond what is free are not counted: what fades by one each time should fade within hours. */
const maxBeyond = 20
/** Entries of each table; when full, the one that was tried longest ago goes. */
const maxEntries = 10_000

export class SignInThrottle {
  /** One for each width: who fills that of the narrow networks does not empty that of the wide ones. */
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
   * To be asked before a try, which counts as failed from now on: else many at once would all pass. One of the other three
   * methods follows when its end is known. Answers how often this address was wrong lately: those with fewer wrong attempts go first.
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
    // What others do holds up only who was wrong himself, and only from then on.
    else if (own.length > 0) ends.push(endOfDelay({ ...ofUser, at: Math.max(...own.map(({ at }) => at)) }, limits.user))
    const waitMs = Math.max(...ends) - this.#now()
    if (waitMs > 0) throw tooMany(Math.ceil(waitMs / 1000))
    this.#each(attempt, (table, key) => table.add(key))
    return Math.max(...ofPlaces.slice(0, ownWidths).map(({ count }) => count))
  }

  /** The delay begins only now. */
  failed(attempt: Attempt): void {
    this.#each(attempt, (table, key) => table.renew(key))
  }

  /** Of the address and of others only this try is forgotten: who can sign in could otherwise guess at others in between. */
  succeeded(attempt: Attempt): void {
    this.withdrawn(attempt)
    const [own] = this.#pairsOf(attempt)
    own?.table.delete(own.key)
  }

  /** For a try that came to nothing, neither right nor wrong. */
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

/** Where something is counted, and under which name. */
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

  /** What has not faded yet. */
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

/** @param email As it was typed. */
export function passwordOf(email: string): string {
  return `password of ${email}`
}

/** Begins otherwise than any password's: nobody can type an email that holds up somebody's codes. */
export function codeOf(userId: string): string {
  return `code of ${userId}`
}

/** When the next may be tried. */
function endOfDelay({ count, at }: Tries, { free, maxDelayMs }: Limit): number {
  return count < free ? 0 : at + doubledMs(count - free, firstDelayMs, maxDelayMs)
}

function tooMany(retryAfterSeconds: number): Problem {
  const wait = retryAfterSeconds === 1 ? 'a second' : `${retryAfterSeconds} seconds`
  return new Problem('too_many_attempts', `Too many wrong attempts. Try again in ${wait}.`, { retryAfterSeconds })
}
