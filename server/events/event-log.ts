/**
 * Facts in the order in which they became true, densely numbered. The database holds them; the newest are also held in
 * memory with their encoded frames. A fact is handed on only when its transaction is committed.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Fact } from '../../contract/event.ts'
import type { Database } from '../platform/database/database.ts'
import type { EventRow } from '../platform/database/tables.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import { encodeFact } from './event-frame.ts'
import type { EventStore, NewEvent, Seen } from './event-store.ts'
import { storedJson } from './stored-fact.ts'

export interface LogEntry {
  readonly number: number
  readonly fact: Fact
  /** The bytes that every stream gets, encoded once. */
  readonly frame: Buffer
  /** Bytes of all frames that this process has held, up to and including this one. */
  readonly endOffset: number
}

/** Where a client that comes back stands: right behind `after`, or in a gap. */
export type Position = { after: number } | { gap: 'expired' | 'unknown_epoch' | 'malformed' }

export interface EventLogOptions {
  store: EventStore
  logger: Logger
  /** Facts held in memory; older ones are read from the database. */
  heldInMemory: number
  /** Facts kept in the database, by count and by age. */
  keep: number
  keepMs: number
  /** By which they are too old, in epoch milliseconds. */
  retentionNow?: () => number
  /** False while another process forgets. What one forgets too late the other has forgotten already, so no write needs a proof. */
  mayPrune?: () => boolean
}

/** A fact with its row, and its data as streams get it. */
interface Told {
  fact: Fact
  json: string
  row: NewEvent
}

/** Facts that wait to be written; past it, what comes is lost to the log and said so in the process's log. */
const maxWaiting = 50_000
/** Facts of one commit. */
const batchSize = 1000
/** Facts read at once when the process starts. */
const recallPage = 1000
const pruneEveryMs = 60_000
/** What was forgotten is said at most this often. */
const tellForgottenEveryMs = 60 * 60_000
const maxRetryMs = 5_000

export class EventLog {
  readonly #options: EventLogOptions
  readonly #held: (LogEntry | undefined)[]
  /** Committed, but a lower number has not been heard of yet. */
  readonly #early = new Map<number, Told[]>()
  readonly #stopped = new AbortController()
  #epoch = ''
  #newest = 0
  #oldest = 1
  #endOffset = 0
  #heldCount = 0
  #waiting: Fact[] = []
  #lost = 0
  #forgotten = 0
  #toldForgottenAt = Number.NEGATIVE_INFINITY
  #writing: Promise<void> | undefined
  #hear: (entry: LogEntry) => void = () => undefined

  constructor(options: EventLogOptions) {
    this.#options = options
    this.#held = new Array(options.heldInMemory)
  }

  /** @param hear Gets each fact once, in order, when it is committed. */
  async start(hear: (entry: LogEntry) => void): Promise<void> {
    const { epoch, newest, oldest } = await this.#options.store.bounds()
    this.#epoch = epoch
    this.#newest = newest
    this.#oldest = oldest
    this.#hear = hear
    await this.#recall()
    const { logger, mayPrune = () => true } = this.#options
    const prune = () =>
      void (mayPrune() ? this.prune() : Promise.resolve()).catch(err =>
        logger.warn({ err }, 'old events could not be forgotten'),
      )
    every(pruneEveryMs, this.#stopped.signal, prune, err => logger.warn({ err }, 'old events could not be forgotten'))
  }

  /** What was appended before is still written. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#writing
  }

  get epoch(): string {
    return this.#epoch
  }

  get newest(): number {
    return this.#newest
  }

  /** Number of the oldest fact that the database holds; `newest + 1` while there is none. */
  get oldest(): number {
    return this.#oldest
  }

  /** Number of the oldest fact held in memory. */
  get oldestHeld(): number {
    return this.#newest + 1 - this.#heldCount
  }

  get endOffset(): number {
    return this.#endOffset
  }

  /** For a fact that no other table speaks of: written together with others, within a turn or two of the event loop. */
  append(fact: Fact): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#lost++
      if (this.#lost % 1000 === 1)
        this.#options.logger.error({ lost: this.#lost }, 'events are lost: the database does not take them')
      return
    }
    this.#waiting.push(fact)
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  /**
   * Runs work in a transaction that also appends the facts which it makes true; both are there or neither. Such
   * transactions run one after the other, so what the work reads in its own still holds when it writes. Keep it short.
   */
  async transact<Result>(
    work: (transaction: Database, tell: (fact: Fact) => void) => Promise<Result>,
  ): Promise<Result> {
    const told: Told[] = []
    const { store } = this.#options
    const [result, first] = await store.transact(async transaction => {
      await store.lock(transaction)
      const done = await work(transaction, fact => told.push(toTold(fact)))
      const rows = told.map(({ row }) => row)
      return [done, rows.length > 0 ? await store.append(transaction, rows) : 0] as const
    })
    if (told.length > 0) this.#committed(first, told)
    return result
  }

  /** Forgets what is too old or too many. Also runs by itself, every minute. */
  async prune(): Promise<void> {
    const { store, keep, keepMs, retentionNow = Date.now } = this.#options
    const firstKept = await store.firstToKeep(keep, new Date(retentionNow() - keepMs).toISOString())
    this.#tellForgotten(firstKept - this.#oldest)
    // Said before it is done: who reads meanwhile must not take what is forgotten for what is hidden.
    this.#oldest = firstKept
    await store.forgetBefore(firstKept)
  }

  #tellForgotten(count: number): void {
    if (count > 0) this.#forgotten += count
    const now = performance.now()
    if (this.#forgotten === 0 || now - this.#toldForgottenAt < tellForgottenEveryMs) return
    this.#options.logger.info({ events: this.#forgotten }, 'the oldest events were forgotten: too many, or too old')
    this.#toldForgottenAt = now
    this.#forgotten = 0
  }

  /** Undefined when it is not held in memory. */
  find(number: number): LogEntry | undefined {
    const entry = this.#held[number % this.#held.length]
    return entry?.number === number ? entry : undefined
  }

  /** What follows after a number, from the database. */
  async read(after: number, limit: number): Promise<LogEntry[]> {
    const rows = await this.#options.store.list(after, limit)
    return rows.map(row => this.#toEntry(row))
  }

  /**
   * The same of what is seen, up to a number. When `oldest` is past `after + 1` by the time of the answer, some of it
   * may have been forgotten.
   */
  async readSeen(seen: Seen, after: number, upTo: number, limit: number): Promise<LogEntry[]> {
    const rows = await this.#options.store.listSeen(seen, after, upTo, limit)
    return rows.map(row => this.#toEntry(row))
  }

  /** How many are seen, in the database; counts to `most` and no further. */
  async countSeen(seen: Seen, after: number, upTo: number, most: number): Promise<number> {
    return this.#options.store.countSeen(seen, after, upTo, most)
  }

  /** The ids of the oldest and the newest fact, as a `gap` tells them. */
  get ends(): { oldest_id: string | null; newest_id: string | null } {
    if (this.#newest < this.#oldest) return { oldest_id: null, newest_id: null }
    return { oldest_id: this.idOf(this.#oldest), newest_id: this.idOf(this.#newest) }
  }

  idOf(number: number): string {
    return `${this.#epoch}-${number}`
  }

  /** Reads a `Last-Event-ID`; what is not ours is a gap, never an error. */
  locate(id: string): Position {
    const match = /^([a-z0-9]{1,32})-(0|[1-9]\d{0,14})$/.exec(id)
    if (!match) return { gap: 'malformed' }
    const number = Number(match[2])
    if (match[1] !== this.#epoch || number > this.#newest) return { gap: 'unknown_epoch' }
    return number + 1 < this.#oldest ? { gap: 'expired' } : { after: number }
  }

  /** What is recent is in memory after a start too, when everybody comes back at once. */
  async #recall(): Promise<void> {
    let after = Math.max(this.#oldest - 1, this.#newest - this.#held.length)
    while (after < this.#newest) {
      const entries = await this.read(after, recallPage)
      if (entries.length === 0) {
        this.#heldCount = 0
        return
      }
      for (const entry of entries) {
        // Without a hole, as the log is written; what stands before one is left to the database.
        if (entry.number !== after + 1) this.#heldCount = 0
        after = entry.number
        this.#hold(entry)
      }
    }
  }

  async #write(): Promise<void> {
    for (let failures = 0; this.#waiting.length > 0; ) {
      // Everything that comes in this turn of the loop goes into one commit.
      await new Promise(setImmediate)
      const batch = this.#waiting.slice(0, batchSize)
      try {
        await this.transact(async (_transaction, tell) => batch.forEach(tell))
        this.#waiting.splice(0, batch.length)
        failures = 0
      } catch (err) {
        this.#options.logger.error({ err, waiting: this.#waiting.length }, 'events could not be written')
        if (this.#stopped.signal.aborted) return
        await wait(Math.min(maxRetryMs, 100 * 2 ** failures++), undefined, { signal: this.#stopped.signal }).catch(
          () => undefined,
        )
      }
    }
  }

  /** On PostgreSQL two commits can be heard of in the other order than they happened; facts are handed on by number. */
  #committed(first: number, told: Told[]): void {
    this.#early.set(first, told)
    for (let next = this.#early.get(this.#newest + 1); next; next = this.#early.get(this.#newest + 1)) {
      this.#early.delete(this.#newest + 1)
      for (const { fact, json } of next) {
        const number = this.#newest + 1
        const entry = this.#hold({ number, fact, frame: encodeFact(fact.type, json, this.idOf(number)) })
        this.#newest = number
        this.#hear(entry)
      }
    }
  }

  #hold({ number, fact, frame }: Omit<LogEntry, 'endOffset'>): LogEntry {
    this.#endOffset += frame.length
    const entry = { number, fact, frame, endOffset: this.#endOffset }
    this.#held[number % this.#held.length] = entry
    this.#heldCount = Math.min(this.#heldCount + 1, this.#held.length)
    return entry
  }

  #toEntry({ number, type, data }: EventRow): LogEntry {
    // Written by this program, from a fact.
    const fact = { type, data: JSON.parse(data) } as Fact
    return { number, fact, frame: encodeFact(type, data, this.idOf(number)), endOffset: 0 }
  }
}

function toTold(fact: Fact): Told {
  const { type, data } = fact
  const json = JSON.stringify(data)
  const accountId = 'account_id' in data ? data.account_id : null
  return { fact, json, row: { type, account_id: accountId, data: storedJson(fact, json), at: data.at } }
}
