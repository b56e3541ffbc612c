/** Slows down guessing, by delays that grow and never by a lock: who has not failed from their own address gets in. */
import { placeOf } from '../platform/http-limits.ts'
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

const limits = {
  pair: { free: 4, maxDelayMs: 5 * 60_000 },
  address: { free: 10, maxDelayMs: 60_000 },
  user: { free: 20, maxDelayMs: 60_000 },
  short: { free: 10, maxDelayMs: 5 * 60_000 },
} as const satisfies Record<string, Limit>
const firstDelayMs = 1_000
/** One try is forgotten for each of these that pass without another. */
const fadeMs = 10 * 60_000
/** More are not counted: what fades by one each time should fade within hours. */
const maxCount = 30
/** Entries of each table; when full, the one that was tried longest ago goes. */
const maxEntries = 10_000

export class SignInThrottle {
  readonly #pairs: TryTable
  readonly #addresses: TryTable
  readonly #users: TryTable
  readonly #now: () => number

  constructor({ now }: { now: () => number }) {
    this.#now = now
    this.#pairs = new TryTable(now)
    this.#addresses = new TryTable(now)
    this.#users = new TryTable(now)
  }

  /**
   * To be asked before a try, which counts as failed from now on: else many at once would all pass. One of the other three
   * methods follows when its end is known. Answers how often this address was wrong lately: whoever was less often goes first.
   * @throws Problem too_many_attempts.
   */
  check(attempt: Attempt): number {
    const { pair, address, user } = keysOf(attempt)
    const [ofPair, ofAddress, ofUser] = [
      this.#pairs.read(pair),
      this.#addresses.read(address),
      this.#users.read(user),
    ] as const
    const ends = [endOfDelay(ofPair, limits.pair), endOfDelay(ofAddress, limits.address)]
    if (attempt.isShort) ends.push(endOfDelay(ofUser, limits.short))
    // What others do holds up only who was wrong himself, and only from then on.
    else if (ofPair.count > 0) ends.push(endOfDelay({ ...ofUser, at: ofPair.at }, limits.user))
    const waitMs = Math.max(...ends) - this.#now()
    if (waitMs > 0) throw tooMany(Math.ceil(waitMs / 1000))
    this.#pairs.add(pair)
    this.#addresses.add(address)
    this.#users.add(user)
    return ofAddress.count
  }

  /** The delay begins only now. */
  failed(attempt: Attempt): void {
    const { pair, address, user } = keysOf(attempt)
    this.#pairs.renew(pair)
    this.#addresses.renew(address)
    this.#users.renew(user)
  }

  /** Of the address and of others only this try is forgotten: who can sign in could otherwise guess at others in between. */
  succeeded(attempt: Attempt): void {
    this.withdrawn(attempt)
    this.#pairs.delete(keysOf(attempt).pair)
  }

  /** For a try that came to nothing, neither right nor wrong. */
  withdrawn(attempt: Attempt): void {
    const { pair, address, user } = keysOf(attempt)
    this.#pairs.takeBack(pair)
    this.#addresses.takeBack(address)
    this.#users.takeBack(user)
  }
}

class TryTable {
  readonly #entries = new Map<string, Tries>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** What has not faded yet. */
  read(key: string): Tries {
    const entry = this.#entries.get(key)
    if (!entry) return { count: 0, at: 0 }
    return { count: Math.max(0, entry.count - Math.floor((this.#now() - entry.at) / fadeMs)), at: entry.at }
  }

  add(key: string): void {
    const count = Math.min(maxCount, this.read(key).count + 1)
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

function keysOf({ user, address }: Attempt): { pair: string; address: string; user: string } {
  const place = placeOf(address)
  return { pair: `${place} ${user}`, address: place, user }
}

/** When the next may be tried. */
function endOfDelay({ count, at }: Tries, { free, maxDelayMs }: Limit): number {
  return count < free ? 0 : at + Math.min(maxDelayMs, firstDelayMs * 2 ** (count - free))
}

function tooMany(retryAfterSeconds: number): Problem {
  const wait = retryAfterSeconds === 1 ? 'a second' : `${retryAfterSeconds} seconds`
  return new Problem('too_many_attempts', `That was wrong too often. Try again in ${wait}.`, { retryAfterSeconds })
}
