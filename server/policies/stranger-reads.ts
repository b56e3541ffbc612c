/**
 * When each program last read a stranger's mail: its later texts may be the stranger's words. Only what the server
 * delivered counts, never a program's claims; mail without a verified sender is a stranger's. A read is stored before
 * the text leaves, so that it counts in every process and after a crash; one row covers the following minute.
 */

import type { Database } from '../platform/database/database.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { PolicyStore } from './policy-store.ts'

export interface StrangerReadsOptions {
  store: Pick<PolicyStore, 'findStrangerRead' | 'saveStrangerRead' | 'forgetStrangerReads'>
  /** Returns those of the addresses that the account has written to before. */
  writtenTo(accountId: string, emails: readonly string[]): Promise<ReadonlySet<string>>
  now(): number
  logger: Logger
}

/** A text that a program is shown again. */
export interface Written {
  /** The principal that wrote it. */
  by: string
  /** Its taint when it was written: see `taintOf`. */
  taintMs: number | null
}

/** The longest time that a policy can ask for. */
export const rememberedMs = 1_440 * 60_000
/** How long a stored read covers later ones, which need no write of their own. */
export const coveredMs = 60_000
const retryMs = 1_000
const forgetEveryMs = 60 * 60_000
/** Programs cached; past it the least recent reader is evicted, but stays in the database. */
const mostKnown = 2_000
/** Lookups of senders in flight; past it a read counts as a stranger's. */
const mostLooks = 100

export class StrangerReads {
  readonly #options: StrangerReadsOptions
  readonly #stopped = new AbortController()
  /** Time of the last read by principal, least recent reader first. */
  readonly #reads = new Map<string, number>()
  /** A lower bound of the time in the database, by principal. */
  readonly #stored = new Map<string, number>()
  readonly #storing = new Map<string, Promise<void>>()
  /** Principals whose read could not be stored yet. */
  readonly #unstored = new Set<string>()
  /** Lookups in flight of whether a sender is a stranger, by principal. */
  readonly #looks = new Map<string, Set<Promise<void>>>()
  #lookCount = 0
  #listener: { noteStrangers(principalId: string): void } | undefined

  constructor(options: StrangerReadsOptions) {
    this.#options = options
  }

  start(): void {
    const { store, now, logger } = this.#options
    const failed = (err: unknown) => logger.error({ err }, 'reads of strangers’ mail could not be stored')
    every(retryMs, this.#stopped.signal, () => void this.#storeRest().catch(failed), failed)
    const forget = () => store.forgetStrangerReads(new Date(now() - rememberedMs - coveredMs).toISOString())
    every(forgetEveryMs, this.#stopped.signal, () => void forget().catch(failed), failed)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#storeRest().catch((err: unknown) => {
      this.#options.logger.error({ err }, 'reads of strangers’ mail could not be stored')
    })
  }

  /** Sets the listener for reads. */
  onRead(listener: { noteStrangers(principalId: string): void }): void {
    this.#listener = listener
  }

  /**
   * @param senders Senders of all that is shown; undefined if unknown. @returns Undefined if a stored read covers it;
   * otherwise resolves once it is stored or known to be no stranger's, and rejects if it cannot be stored.
   */
  note(
    principalId: string,
    accountId: string | undefined,
    senders: readonly string[] | undefined,
  ): Promise<void> | undefined {
    if (senders?.length === 0) return undefined
    if (senders === undefined || accountId === undefined) return this.#remember(principalId)
    return this.#lookUp(principalId, async () => {
      const known = await this.#options.writtenTo(accountId, senders)
      return senders.some(email => !known.has(email))
    })
  }

  /** Whether the account has written to all of them before. @param senders Undefined if they are not verified. */
  async areKnown(accountId: string, senders: readonly string[] | undefined): Promise<boolean> {
    if (senders === undefined || senders.length === 0) return false
    const known = await this.#options.writtenTo(accountId, senders)
    return senders.every(email => known.has(email))
  }

  /** Notes texts of programs that are shown again. Its own count only if it had just read a stranger's mail. */
  noteWritten(
    principalId: string,
    windowMs: number,
    find: () => Promise<readonly Written[]>,
  ): Promise<void> | undefined {
    return this.#lookUp(principalId, async () => {
      const texts = await find()
      return texts.some(({ by, taintMs }) => by !== principalId || (taintMs !== null && taintMs <= windowMs))
    })
  }

  /**
   * Returns the last read in epoch milliseconds, across processes, at most a minute too late. Without a transaction it
   * includes everything that this process delivered before the call.
   */
  async last(principalId: string, transaction?: Database): Promise<number | undefined> {
    const { store, now } = this.#options
    // A transaction must not wait for lookups that need the database themselves.
    if (!transaction) await Promise.all(this.#looks.get(principalId) ?? [])
    const row = await store.findStrangerRead(principalId, transaction)
    const stored = row && Math.min(now(), Date.parse(row.at) + coveredMs)
    const own = this.#reads.get(principalId)
    return own !== undefined && (stored === undefined || own > stored) ? own : stored
  }

  /**
   * Returns how many milliseconds ago the program last read a stranger's mail; null if longer ago than policies can ask
   * for. @param transaction The one that stores what the program writes now.
   */
  async taintOf(principalId: string, transaction: Database): Promise<number | null> {
    const last = await this.last(principalId, transaction)
    const ago = last === undefined ? Number.POSITIVE_INFINITY : Math.max(0, this.#options.now() - last)
    return ago > rememberedMs ? null : ago
  }

  /** @param isStrangers Tells whether it is a stranger's; a rejection counts as yes. */
  #lookUp(principalId: string, isStrangers: () => Promise<boolean>): Promise<void> | undefined {
    if (this.#lookCount >= mostLooks) return this.#remember(principalId)
    const looks = this.#looks.get(principalId) ?? new Set()
    this.#looks.set(principalId, looks)
    this.#lookCount++
    let storing: Promise<void> | undefined
    const look = isStrangers()
      .catch(() => true)
      .then(is => {
        if (is) storing = this.#remember(principalId)
        this.#lookCount--
        looks.delete(look)
        if (looks.size === 0) this.#looks.delete(principalId)
      })
    looks.add(look)
    const isCovered = this.#isCovered(principalId)
    // The stored read covers this one, whatever the lookup finds.
    return isCovered ? undefined : look.then(() => storing)
  }

  #isCovered(principalId: string): boolean {
    const stored = this.#stored.get(principalId)
    return stored !== undefined && this.#options.now() - stored < coveredMs
  }

  #remember(principalId: string): Promise<void> | undefined {
    this.#reads.delete(principalId)
    this.#reads.set(principalId, this.#options.now())
    this.#listener?.noteStrangers(principalId)
    const [oldest] = this.#reads.keys()
    if (this.#reads.size > mostKnown && oldest !== undefined) {
      this.#reads.delete(oldest)
      this.#stored.delete(oldest)
      this.#unstored.delete(oldest)
    }
    if (this.#isCovered(principalId)) return undefined
    const storing = this.#storing.get(principalId) ?? this.#store(principalId)
    this.#storing.set(principalId, storing)
    // If no caller waits for it, `#storeRest` retries it.
    storing.catch(() => undefined)
    return storing
  }

  async #store(principalId: string): Promise<void> {
    const now = this.#options.now()
    this.#unstored.add(principalId)
    try {
      await this.#options.store.saveStrangerRead({ principal_id: principalId, at: new Date(now).toISOString() })
      this.#unstored.delete(principalId)
      this.#stored.set(principalId, now)
    } finally {
      this.#storing.delete(principalId)
    }
  }

  async #storeRest(): Promise<void> {
    await Promise.all([...this.#unstored].map(id => this.#storing.get(id) ?? this.#store(id)))
  }
}
