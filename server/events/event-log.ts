/**
 * Facts in the order of their commits, densely numbered. They are stored in the database; the newest are also held in
 * memory with their encoded frames. A fact is delivered only after its transaction, of any process, has committed.
 */

import type { Fact } from '../../contract/event.ts'
import type { Database } from '../platform/database/database.ts'
import { type DatabaseChanges, noChanges } from '../platform/database/database-changes.ts'
import { doubledMs } from '../platform/doubling.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import { pause } from '../platform/waits.ts'
import { encodeFact } from './event-frame.ts'
import type { AdministrativePage, EventStore, Seen, SeenRange } from './event-store.ts'
import type { EventRow } from './event-tables.ts'
import { LogCommits } from './log-commits.ts'
import { type Budget, LogPruner } from './log-pruner.ts'
import { LogTail } from './log-tail.ts'

export interface LogEntry {
  readonly number: number
  readonly fact: Fact
  /** The encoded event, shared by all streams. */
  readonly frame: Buffer
  /** Total bytes of all frames held by this process, up to and including this one. */
  readonly endOffset: number
}

/** The position of a reconnecting client: directly after `after`, or a gap. */
export type Position = { after: number } | { gap: 'expired' | 'unknown_epoch' | 'malformed' }

export interface EventLogOptions {
  store: EventStore
  logger: Logger
  /** Facts held in memory; older ones are read from the database. */
  heldInMemory: number
  /** Facts kept in the database, by count and by age. */
  keep: number
  keepMs: number
  /** Retention of administrative facts, which are kept longer. */
  keepAdministrative?: Budget
  /** Clock for retention, in epoch milliseconds. */
  retentionNow?: () => number
  /** Notifies processes of each other's commits; without it, only this process's are noticed. */
  changes?: DatabaseChanges
  /** False while another process prunes. Pruning is idempotent across processes, so it needs no lease fence. */
  mayPrune?: () => boolean
  pruneEveryMs?: number
  /** See `LogPruner`. */
  readersAt?: () => Promise<number | undefined>
}

/** Facts waiting to be written; further ones are dropped, which is logged as an error. */
const maxWaiting = 50_000
/** Facts per commit. */
const batchSize = 1000
/** Facts read per query when memory is filled at the start. */
const recallPage = 1000
const defaultPruneEveryMs = 60_000
const maxRetryMs = 5_000
const defaultAdministrative: Budget = { count: 10_000, ms: 90 * 86_400_000 }

export class EventLog {
  readonly #options: EventLogOptions
  readonly #tail: LogTail
  readonly #commits: LogCommits
  readonly #pruner: LogPruner
  readonly #changes: DatabaseChanges
  readonly #held: (LogEntry | undefined)[]
  readonly #stopped = new AbortController()
  #epoch = ''
  #oldest = 1
  #endOffset = 0
  #heldCount = 0
  #waiting: Fact[] = []
  #lost = 0
  #writing: Promise<void> | undefined
  #onEntry: (entry: LogEntry) => void = () => undefined

  constructor(options: EventLogOptions) {
    this.#options = options
    this.#held = new Array(options.heldInMemory)
    this.#changes = options.changes ?? noChanges
    const { store, logger, keep, keepMs, keepAdministrative = defaultAdministrative, retentionNow = Date.now } = options
    this.#tail = new LogTail({
      logger,
      read: (after, limit) => store.list(after, limit),
      handOn: (number, { fact, json }) => {
        const frame = encodeFact(fact.type, json, this.idOf(number))
        this.#onEntry(this.#hold({ number, fact, frame }))
      },
      skipped: () => {
        this.#heldCount = 0
      },
    })
    this.#commits = new LogCommits({ store, tail: this.#tail, changes: this.#changes })
    this.#pruner = new LogPruner({
      store,
      logger,
      keep: { count: keep, ms: keepMs },
      keepAdministrative,
      retentionNow,
      readersAt: options.readersAt,
      onForget: firstKept => this.#noteOldest(firstKept),
    })
  }

  /** @param onEntry Called once with each committed fact, in order. */
  async start(onEntry: (entry: LogEntry) => void): Promise<void> {
    const { epoch, newest, oldest } = await this.#options.store.bounds()
    this.#epoch = epoch
    this.#oldest = oldest
    this.#tail.startBehind(newest)
    this.#onEntry = onEntry
    await this.#recall()
    await this.#changes.start(() => this.#tail.wake())
    // Catches up with commits since the bounds were read.
    this.#tail.wake()
    const { logger, mayPrune = () => true, pruneEveryMs = defaultPruneEveryMs } = this.#options
    const prune = () =>
      void (mayPrune() ? this.prune() : Promise.resolve()).catch(err =>
        logger.warn({ err }, 'old events could not be pruned'),
      )
    every(pruneEveryMs, this.#stopped.signal, prune, err => logger.warn({ err }, 'old events could not be pruned'))
  }

  /** Stops once facts appended before are written. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.all([this.#writing, this.#commits.idle()])
    await this.#pruner.stop()
    await this.#tail.stop()
    await this.#changes.stop()
  }

  get epoch(): string {
    return this.#epoch
  }

  /** Number of the newest fact known to this process. */
  get newest(): number {
    return this.#tail.newest
  }

  /** The database holds every fact from this number on; `newest + 1` while there is none. */
  get oldest(): number {
    return this.#oldest
  }

  /** Number of the oldest fact held in memory. */
  get oldestHeld(): number {
    return this.newest + 1 - this.#heldCount
  }

  get endOffset(): number {
    return this.#endOffset
  }

  /** Appends a fact without a change in other tables: batched, written within a turn or two of the event loop. */
  append(fact: Fact): void {
    if (this.#waiting.length >= maxWaiting) {
      this.#lost++
      if (this.#lost % 1000 === 1)
        this.#options.logger.error({ lost: this.#lost }, 'events are lost: the database does not accept them')
      return
    }
    this.#waiting.push(fact)
    this.#writing ??= this.#write()
  }

  /**
   * Runs work in a transaction that atomically appends its facts. Such transactions are serialized across all
   * processes, so what the work reads still holds when it writes. Keep it short. When this resolves, the facts and all
   * before them have been delivered, unless the table cannot be read.
   */
  transact<Result>(work: (transaction: Database, publish: (fact: Fact) => void) => Promise<Result>): Promise<Result> {
    return this.#commits.transact(work)
  }

  /** Prunes facts beyond the retention limits, in small steps. Also runs automatically, every minute. */
  prune(): Promise<void> {
    return this.#pruner.run()
  }

  /** Returns a fact from memory; undefined if it is not held there. */
  find(number: number): LogEntry | undefined {
    const entry = this.#held[number % this.#held.length]
    return entry?.number === number ? entry : undefined
  }

  /** Reads the facts after a number from the database. */
  async read(after: number, limit: number): Promise<LogEntry[]> {
    const rows = await this.#options.store.list(after, limit)
    return rows.map(row => this.#toEntry(row))
  }

  /**
   * See `EventStore.readSeen`; entries held in memory are taken from there. If `oldest` is past `after + 1` when this
   * resolves, some facts may have been pruned.
   */
  async readSeen(seen: Seen, range: SeenRange): Promise<{ entries: LogEntry[]; found: number }> {
    const { rows, found } = await this.#options.store.readSeen(seen, range)
    // Read afterwards: another process publishes its new bound before it prunes.
    this.#noteOldest((await this.#options.store.bounds()).oldest)
    return { entries: rows.map(row => this.find(row.number) ?? this.#toEntry(row)), found }
  }

  /** Reads the administrative facts of a view, newest first, including those older than `oldest`. */
  async readAdministrative(seen: Seen, page: AdministrativePage): Promise<LogEntry[]> {
    const rows = await this.#options.store.listNewestAdministrative(seen, page)
    return rows.map(row => this.#toEntry(row))
  }

  /** Ids of the oldest and newest fact, for `gap` events. */
  get ends(): { oldest_id: string | null; newest_id: string | null } {
    if (this.newest < this.#oldest) return { oldest_id: null, newest_id: null }
    return { oldest_id: this.idOf(this.#oldest), newest_id: this.idOf(this.newest) }
  }

  /** Returns the number of the last fact before a time, at least the one before `oldest`. */
  async placeBefore(at: string): Promise<number> {
    const first = await this.#options.store.firstSince(at)
    return first === undefined ? this.newest : Math.max(first - 1, this.#oldest - 1)
  }

  idOf(number: number): string {
    return `${this.#epoch}-${number}`
  }

  /** Parses a `Last-Event-ID`; a foreign one results in a gap, never an error. */
  locate(id: string): Position {
    const number = this.numberOf(id)
    if (typeof number !== 'number') return number
    return number + 1 < this.#oldest ? { gap: 'expired' } : { after: number }
  }

  /** Returns the number in an id of this log, whether or not the facts after it are still held. */
  numberOf(id: string): number | { gap: 'unknown_epoch' | 'malformed' } {
    const match = /^([a-z0-9]{1,32})-(0|[1-9]\d{0,14})$/.exec(id)
    if (!match) return { gap: 'malformed' }
    const number = Number(match[2])
    return match[1] !== this.#epoch || number > this.newest ? { gap: 'unknown_epoch' } : number
  }

  /** Fills memory with recent facts at the start, when all clients reconnect at once. */
  async #recall(): Promise<void> {
    let after = Math.max(this.#oldest - 1, this.newest - this.#held.length)
    while (after < this.newest) {
      // Concurrent commits are read by the tail.
      const entries = await this.read(after, Math.min(recallPage, this.newest - after))
      if (entries.length === 0) {
        this.#heldCount = 0
        return
      }
      for (const entry of entries) {
        // Memory must be contiguous; facts before a hole are left to the database.
        if (entry.number !== after + 1) this.#heldCount = 0
        after = entry.number
        this.#hold(entry)
      }
    }
  }

  /** Writes until nothing waits, and ends in the same turn, so that a later `append` starts it again. */
  async #write(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        // All facts appended in this turn of the event loop share a commit.
        await new Promise(setImmediate)
        const facts = this.#waiting.slice(0, batchSize)
        if (!(await this.#writeUntilDone(facts))) return
        this.#waiting.splice(0, facts.length)
      }
    } finally {
      this.#writing = undefined
    }
  }

  /** Retries with back-off until the facts are committed; returns false if the log was stopped before. */
  async #writeUntilDone(facts: readonly Fact[]): Promise<boolean> {
    const batch = this.#commits.newBatch(facts)
    for (let failures = 0; ; failures++) {
      try {
        await batch.commit()
        return true
      } catch (err) {
        this.#options.logger.error({ err, waiting: this.#waiting.length }, 'events could not be written')
        if (this.#stopped.signal.aborted) return false
        const { signal } = this.#stopped
        await pause(doubledMs(failures, 100, maxRetryMs), signal)
      }
    }
  }

  /** Advances `oldest`, which is monotonic: other processes prune too, and record it in the database. */
  #noteOldest(number: number): void {
    this.#oldest = Math.max(this.#oldest, number)
  }

  #hold({ number, fact, frame }: Omit<LogEntry, 'endOffset'>): LogEntry {
    this.#endOffset += frame.length
    const entry = { number, fact, frame, endOffset: this.#endOffset }
    this.#held[number % this.#held.length] = entry
    this.#heldCount = Math.min(this.#heldCount + 1, this.#held.length)
    return entry
  }

  #toEntry({ number, type, data }: EventRow): LogEntry {
    // Sound cast: the row was written by this program from a fact.
    const fact = { type, data: JSON.parse(data) } as Fact
    return { number, fact, frame: encodeFact(type, data, this.idOf(number)), endOffset: 0 }
  }
}
