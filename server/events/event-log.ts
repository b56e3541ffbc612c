/**
 * Facts in the order in which they became true, densely numbered. The database holds them; the newest are also held in
 * memory with their encoded frames. A fact is handed on only when its transaction is committed, by whichever process.
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
  /** Administrative facts that are kept beyond that. */
  keepAdministrative?: Budget
  /** By which they are too old, in epoch milliseconds. */
  retentionNow?: () => number
  /** How this process hears that others have written, and they of it; without, it hears only itself. */
  changes?: DatabaseChanges
  /** False while another process forgets. What one forgets too late the other has forgotten already, so no write needs a proof. */
  mayPrune?: () => boolean
  pruneEveryMs?: number
  /** See `LogPruner`. */
  readersAt?: () => Promise<number | undefined>
}

/** Facts that wait to be written; past it, what comes is lost to the log and said so in the process's log. */
const maxWaiting = 50_000
/** Facts of one commit. */
const batchSize = 1000
/** Facts read at once when the process starts. */
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
  #hear: (entry: LogEntry) => void = () => undefined

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
        this.#hear(this.#hold({ number, fact, frame }))
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

  /** @param hear Gets each fact once, in order, when it is committed. */
  async start(hear: (entry: LogEntry) => void): Promise<void> {
    const { epoch, newest, oldest } = await this.#options.store.bounds()
    this.#epoch = epoch
    this.#oldest = oldest
    this.#tail.startBehind(newest)
    this.#hear = hear
    await this.#recall()
    await this.#changes.start(() => this.#tail.wake())
    // What others wrote since the bounds were read.
    this.#tail.wake()
    const { logger, mayPrune = () => true, pruneEveryMs = defaultPruneEveryMs } = this.#options
    const prune = () =>
      void (mayPrune() ? this.prune() : Promise.resolve()).catch(err =>
        logger.warn({ err }, 'old events could not be pruned'),
      )
    every(pruneEveryMs, this.#stopped.signal, prune, err => logger.warn({ err }, 'old events could not be pruned'))
  }

  /** What was appended before is still written. */
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

  /** Number of the last fact that this process has heard of. */
  get newest(): number {
    return this.#tail.newest
  }

  /** From this number on the database holds every fact; `newest + 1` while there is none. */
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

  /** For a fact that no other table speaks of: written together with others, within a turn or two of the event loop. */
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
   * Runs work in a transaction that also appends the facts which it makes true; both are there or neither. Such
   * transactions run one after the other, in all processes, so what the work reads in its own still holds when it writes.
   * Keep it short. The facts, and all before them, were handed on when this resolves, unless the table cannot be read.
   */
  transact<Result>(work: (transaction: Database, tell: (fact: Fact) => void) => Promise<Result>): Promise<Result> {
    return this.#commits.transact(work)
  }

  /** Forgets what is too old or too many, in small pieces. Also runs by itself, every minute. */
  prune(): Promise<void> {
    return this.#pruner.run()
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
   * As `EventStore` has it; what memory holds comes from there, whole. When `oldest` is past `after + 1` by the time of the
   * answer, some of it may have been forgotten.
   */
  async readSeen(seen: Seen, range: SeenRange): Promise<{ entries: LogEntry[]; found: number }> {
    const { rows, found } = await this.#options.store.readSeen(seen, range)
    // Only now: another process says that it forgets before it does.
    this.#noteOldest((await this.#options.store.bounds()).oldest)
    return { entries: rows.map(row => this.find(row.number) ?? this.#toEntry(row)), found }
  }

  /** Administrative facts of what is seen, newest first: also those that are older than `oldest`. */
  async readAdministrative(seen: Seen, page: AdministrativePage): Promise<LogEntry[]> {
    const rows = await this.#options.store.listNewestAdministrative(seen, page)
    return rows.map(row => this.#toEntry(row))
  }

  /** The ids of the oldest and the newest fact, as a `gap` tells them. */
  get ends(): { oldest_id: string | null; newest_id: string | null } {
    if (this.newest < this.#oldest) return { oldest_id: null, newest_id: null }
    return { oldest_id: this.idOf(this.#oldest), newest_id: this.idOf(this.newest) }
  }

  /** Of the last fact before a time, as far as the log holds them whole. */
  async placeBefore(at: string): Promise<number> {
    const first = await this.#options.store.firstSince(at)
    return first === undefined ? this.newest : Math.max(first - 1, this.#oldest - 1)
  }

  idOf(number: number): string {
    return `${this.#epoch}-${number}`
  }

  /** Reads a `Last-Event-ID`; what is not ours is a gap, never an error. */
  locate(id: string): Position {
    const number = this.numberOf(id)
    if (typeof number !== 'number') return number
    return number + 1 < this.#oldest ? { gap: 'expired' } : { after: number }
  }

  /** The number in an id of ours, whether the log still holds what follows it or not. */
  numberOf(id: string): number | { gap: 'unknown_epoch' | 'malformed' } {
    const match = /^([a-z0-9]{1,32})-(0|[1-9]\d{0,14})$/.exec(id)
    if (!match) return { gap: 'malformed' }
    const number = Number(match[2])
    return match[1] !== this.#epoch || number > this.newest ? { gap: 'unknown_epoch' } : number
  }

  /** What is recent is in memory after a start too, when everybody comes back at once. */
  async #recall(): Promise<void> {
    let after = Math.max(this.#oldest - 1, this.newest - this.#held.length)
    while (after < this.newest) {
      // What others write meanwhile is the tail's.
      const entries = await this.read(after, Math.min(recallPage, this.newest - after))
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

  /** Has ended in the very moment in which it saw that nothing waits: whatever is appended later begins it again. */
  async #write(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        // Everything that comes in this turn of the loop goes into one commit.
        await new Promise(setImmediate)
        const facts = this.#waiting.slice(0, batchSize)
        if (!(await this.#writeUntilDone(facts))) return
        this.#waiting.splice(0, facts.length)
      }
    } finally {
      this.#writing = undefined
    }
  }

  /** False when the log was stopped before the database accepted them. */
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

  /** It only grows: others forget too, and say so in the database. */
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
    // Written by this program, from a fact.
    const fact = { type, data: JSON.parse(data) } as Fact
    return { number, fact, frame: encodeFact(type, data, this.idOf(number)), endOffset: 0 }
  }
}
