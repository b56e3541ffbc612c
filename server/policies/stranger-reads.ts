/**
 * When each program last read mail of a stranger: its words may be those of that stranger from then on. What counts is what the server itself
 * delivered, never what a program says of it. What cannot be told by its sender counts as a stranger's. It is in the database before the words
 * leave, so that it counts in each process and after each end; one row stands for all reads of the minute that follows it.
 */

import type { Database } from '../platform/database/database.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { PolicyStore } from './policy-store.ts'

export interface StrangerReadsOptions {
  store: Pick<PolicyStore, 'findStrangerRead' | 'saveStrangerRead' | 'forgetStrangerReads'>
  /** Those of the addresses to which the account wrote before. */
  writtenTo(accountId: string, emails: readonly string[]): Promise<ReadonlySet<string>>
  now(): number
  logger: Logger
}

/** A text that a program is shown again. */
export interface Written {
  /** Its principal. */
  by: string
  /** See `taintOf`, when it was written. */
  taintMs: number | null
}

/** The longest time that a policy asks for. */
export const rememberedMs = 1_440 * 60_000
/** What is stored stands for reads of so long a time after it: no other write is needed for them. */
export const coveredMs = 60_000
const retryMs = 1_000
const forgetEveryMs = 60 * 60_000
/** Programs remembered: there are at most 1,000 tokens. Past it the one that read longest ago is forgotten here, and not in the database. */
const mostKnown = 2_000
/** Looks at senders under way; past it what is read counts as a stranger's. */
const mostLooks = 100

export class StrangerReads {
  readonly #options: StrangerReadsOptions
  readonly #stopped = new AbortController()
  /** The one that read longest ago first. */
  readonly #reads = new Map<string, number>()
  /** What the database has at least. */
  readonly #stored = new Map<string, number>()
  readonly #storing = new Map<string, Promise<void>>()
  /** Could not be stored yet. */
  readonly #unstored = new Set<string>()
  /** By principal: whether those of whom it read are strangers is being looked up. */
  readonly #looks = new Map<string, Set<Promise<void>>>()
  #lookCount = 0
  #heard: (principalId: string) => void = () => undefined

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

  /** Hears of each read. */
  onRead(listener: (principalId: string) => void): void {
    this.#heard = listener
  }

  /**
   * @param senders Of all that is shown; undefined where that is not known.
   * @returns Undefined where what is stored says so already; otherwise it resolves once it does, and rejects when it cannot.
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

  /** Whether the account wrote before to all of them; false where that cannot be found out. @param senders Undefined where they are not certain. */
  async areKnown(accountId: string, senders: readonly string[] | undefined): Promise<boolean> {
    if (senders === undefined || senders.length === 0) return false
    const known = await this.#options.writtenTo(accountId, senders)
    return senders.every(email => known.has(email))
  }

  /** Of what programs wrote and are shown again. It is in their own words if they had read no stranger's when they wrote it, or in so long a time before. */
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
   * In epoch milliseconds, whichever process delivered it: rather later than earlier, by a minute at most. Without a transaction, of all that this
   * process delivered before this was asked.
   */
  async last(principalId: string, transaction?: Database): Promise<number | undefined> {
    const { store, now } = this.#options
    // A transaction waits for nothing that needs the database beside it.
    if (!transaction) await Promise.all(this.#looks.get(principalId) ?? [])
    const row = await store.findStrangerRead(principalId, transaction)
    const stored = row && Math.min(now(), Date.parse(row.at) + coveredMs)
    const own = this.#reads.get(principalId)
    return own !== undefined && (stored === undefined || own > stored) ? own : stored
  }

  /**
   * How long ago the program had last read mail of a stranger: what it writes now may be in those words. Null where no policy can ask for so long a
   * time. @param transaction In which it is written.
   */
  async taintOf(principalId: string, transaction: Database): Promise<number | null> {
    const last = await this.last(principalId, transaction)
    const ago = last === undefined ? Number.POSITIVE_INFINITY : Math.max(0, this.#options.now() - last)
    return ago > rememberedMs ? null : ago
  }

  /** @param isStrangers What fails counts as a stranger's. */
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
    // Whatever comes of it, what is stored stands for it too.
    return isCovered ? undefined : look.then(() => storing)
  }

  #isCovered(principalId: string): boolean {
    const stored = this.#stored.get(principalId)
    return stored !== undefined && this.#options.now() - stored < coveredMs
  }

  #remember(principalId: string): Promise<void> | undefined {
    this.#reads.delete(principalId)
    this.#reads.set(principalId, this.#options.now())
    this.#heard(principalId)
    const [oldest] = this.#reads.keys()
    if (this.#reads.size > mostKnown && oldest !== undefined) {
      this.#reads.delete(oldest)
      this.#stored.delete(oldest)
      this.#unstored.delete(oldest)
    }
    if (this.#isCovered(principalId)) return undefined
    const storing = this.#storing.get(principalId) ?? this.#store(principalId)
    this.#storing.set(principalId, storing)
    // Who does not wait for it has it retried.
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
