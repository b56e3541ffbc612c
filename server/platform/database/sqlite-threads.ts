/**
 * An SQLite file on threads: one writes and owns every transaction, up to two read. A read that begins after a write
 * was acknowledged sees it, since each statement of a reader begins at the newest commit.
 */
import type { SQLInputValue } from 'node:sqlite'
import { DatabaseOverloaded, type DatabaseThreadEnded } from './database-fault.ts'
import type { Changes, Order, Rows } from './sqlite-messages.ts'
import { SqliteWorker } from './sqlite-worker.ts'
import { changesSchema } from './statement-cache.ts'

export interface SqliteThreadsOptions {
  path: string
  /** Called once if a thread crashed. */
  died(error: DatabaseThreadEnded): void
  bounds?: Partial<ThreadBounds>
}

export interface ThreadBounds {
  /** Statements in flight or queued for a write; further ones are rejected with `DatabaseOverloaded`. */
  maxWaiting: number
  /** Timeout for a turn to write, while other transactions run. */
  turnMs: number
  /** How long `close` waits for work in flight. */
  drainMs: number
  /** Reads bypass a thread that has been busy with one statement for this long. */
  stuckMs: number
  /** A reader ends after this long without a statement that needed it. */
  idleMs: number
}

const defaultBounds: ThreadBounds = { maxWaiting: 10_000, turnMs: 30_000, drainMs: 5_000, stuckMs: 5, idleMs: 10_000 }
/** Minimum time that a thread gets to close its files. */
const closeMs = 2_000
/**
 * Reads per period that wait for a busy writer, and how long each, before a reader is started or kept. More at the
 * start, when a server reads about twenty times and then is idle, and a reader would take longer to start.
 */
const patience = { reads: 10, withinMs: 10_000, waitMs: 50, readsAtStart: 40 }
/** SQL texts remembered as slow reads; past it, the oldest is treated as fast again. */
const maxLong = 100

/** A write or transaction that waits until no transaction is open. */
interface Waiting {
  isTransaction: boolean
  go(): void
  reject(error: Error): void
}

export class SqliteThreads {
  readonly #path: string
  readonly #bounds: ThreadBounds
  readonly #died: (error: DatabaseThreadEnded) => void
  readonly #writer: SqliteWorker
  readonly #turns: Waiting[] = []
  /** SQL texts of reads that took long the last time. */
  readonly #long = new Set<string>()
  readonly #readers: { short?: SqliteWorker; long?: SqliteWorker } = {}
  /** Readers that are shutting down because they were idle. */
  readonly #ending = new Set<Promise<void>>()
  readonly #idle: { short?: NodeJS.Timeout; long?: NodeJS.Timeout } = {}
  /** When a read last needed each reader. */
  readonly #neededAt = { short: 0, long: 0 }
  #isInTransaction = false
  #busySince = performance.now()
  #busyReads = patience.reads - patience.readsAtStart
  /** Reads that wait for the writer to become free. */
  readonly #patient = new Set<() => void>()
  /** Whether the open transaction may have changed the schema. */
  #hasOtherSchema = false
  #drained: (() => void) | undefined

  constructor({ path, died, bounds }: SqliteThreadsOptions) {
    this.#path = path
    this.#bounds = { ...defaultBounds, ...bounds }
    let isDead = false
    this.#died = error => {
      if (isDead) return
      isDead = true
      died(error)
    }
    this.#writer = this.#start(false)
  }

  /** Returns the file once open. @throws SQLite's error if it cannot be opened */
  async open(): Promise<string> {
    const file = await this.#writer.opened
    if (file === null) throw new Error('a database in memory has a single connection')
    return file
  }

  /** Runs a read, which sees all earlier commits. */
  async read(sql: string, values: SQLInputValue[]): Promise<Rows | Changes> {
    if (this.#isHeldUp(sql)) {
      // If this event loop was late, the answer may have arrived already; a second reader is only for slow threads.
      await new Promise(setImmediate)
      await new Promise(setImmediate)
    }
    const refusal = this.#refusal()
    if (refusal) throw refusal
    const order: Order = ['run', sql, values]
    const answer = await (this.#isPatient(sql) ? this.#readLater(order) : this.#threadFor(sql).run(order))
    this.#learn(sql, 'isLong' in answer && answer.isLong)
    return answer
  }

  /** Runs a write outside a transaction. */
  async write(sql: string, values: SQLInputValue[]): Promise<Rows | Changes> {
    const written = await new Promise<Rows | Changes>((resolve, reject) =>
      this.#takeTurn({ isTransaction: false, go: () => resolve(this.#writer.run(['run', sql, values])), reject }),
    )
    if (changesSchema(sql)) this.#forget()
    return written
  }

  /** Begins a transaction, after earlier callers. It is open until `end`. */
  async begin(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#takeTurn({ isTransaction: true, go: resolve, reject }))
    // If it fails, each statement inside fails with the same error.
    this.#writer.run(['begin']).catch(() => undefined)
  }

  /** Runs a statement in the open transaction. */
  inside(sql: string, values: SQLInputValue[]): Promise<Rows | Changes> {
    if (changesSchema(sql)) this.#hasOtherSchema = true
    return this.#writer.run(['inside', sql, values])
  }

  /**
   * Like `inside`, but later statements of the transaction need not await it, and fail if it fails.
   * @param changes Number of rows that it must change; undefined for any number.
   */
  later(sql: string, values: SQLInputValue[], changes: number | undefined): Promise<Rows | Changes> {
    if (changesSchema(sql)) this.#hasOtherSchema = true
    return this.#writer.run(['later', sql, values, changes])
  }

  /** Ends the transaction; even if this fails, none is open afterwards. */
  async end(how: 'commit' | 'rollback'): Promise<void> {
    const ended = this.#writer.run([how])
    const hasOtherSchema = this.#hasOtherSchema
    this.#isInTransaction = false
    this.#hasOtherSchema = false
    this.#nextTurns()
    await ended
    if (hasOtherSchema) this.#forget()
  }

  /** Closes all threads once earlier work is done, or timeouts expire. */
  async close(): Promise<void> {
    for (const timer of Object.values(this.#idle)) clearTimeout(timer)
    const { drainMs } = this.#bounds
    const began = performance.now()
    for (const go of this.#patient) go()
    await this.#drain(drainMs)
    const left = () => Math.max(closeMs, drainMs - (performance.now() - began))
    await Promise.all([...this.#ending, ...Object.values(this.#readers).map(reader => reader.close(left()))])
    // The writer closes last: it checkpoints the write-ahead log, which a reader cannot do.
    await this.#writer.close(left())
  }

  /** Waits until no transaction is open or queued, or the timeout expires. */
  async #drain(boundMs: number): Promise<void> {
    if (!this.#isInTransaction) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#drained = resolve
    const timer = setTimeout(resolve, boundMs)
    await promise
    clearTimeout(timer)
  }

  #forget(): void {
    for (const reader of Object.values(this.#readers)) reader.forget()
  }

  #start(isReader: boolean): SqliteWorker {
    const idle = isReader ? () => undefined : () => this.#writerIsIdle()
    return new SqliteWorker({ path: this.#path, isReader, died: this.#died, idle })
  }

  /**
   * Picks the thread for a read. An idle server needs a single thread, since the writer also reads while it is free.
   * The second reader is for reads that took long the last time, and for all while the first is stuck.
   */
  #threadFor(sql: string): SqliteWorker {
    if (this.#long.has(sql)) return this.#lend('long')
    const short = this.#shortThread()
    if (short === this.#writer) return short
    if (!this.#isHeldUp(sql)) return short
    const long = this.#lend('long')
    return long.stuckMs < short.stuckMs ? long : short
  }

  /** Picks the thread for a short read: an existing reader, which is kept only if the writer is often busy. */
  #shortThread(): SqliteWorker {
    const { short } = this.#readers
    if (this.#isWriterFree) return short && !this.#endUnneeded('short', short) ? short : this.#writer
    return short && !this.#isOftenBusy() ? short : this.#lend('short')
  }

  /** Whether the reader for this read has been busy with one statement for too long. */
  #isHeldUp(sql: string): boolean {
    const { short } = this.#readers
    return short !== undefined && !this.#long.has(sql) && short.stuckMs >= this.#bounds.stuckMs
  }

  /** Whether a read waits for the writer: a reader is worth its start and memory only if that happens often. */
  #isPatient(sql: string): boolean {
    if (this.#isWriterFree || this.#readers.short || this.#long.has(sql)) return false
    return !this.#isOftenBusy()
  }

  /** Counts a read that found the writer busy, and returns whether there were many recently. */
  #isOftenBusy(): boolean {
    const now = performance.now()
    if (now - this.#busySince > patience.withinMs) {
      this.#busySince = now
      this.#busyReads = 0
    }
    return ++this.#busyReads > patience.reads
  }

  #readLater(order: Order): Promise<Rows | Changes> {
    return new Promise(resolve => {
      const go = () => {
        if (!this.#patient.delete(go)) return
        clearTimeout(timer)
        resolve(this.#isWriterFree ? this.#writer.run(order) : this.#lend('short').run(order))
      }
      // After answers that have already arrived: if this event loop was late, the writer may be free.
      const timer = setTimeout(() => setImmediate(go), patience.waitMs)
      this.#patient.add(go)
    })
  }

  get #isWriterFree(): boolean {
    return !this.#isInTransaction && this.#writer.waiting === 0
  }

  /** Lets the first waiting read use the idle writer. */
  #writerIsIdle(): void {
    const [next] = this.#patient
    if (this.#isWriterFree) next?.()
  }

  /** Returns a reader, started on demand; it ends when idle. */
  #lend(which: 'short' | 'long'): SqliteWorker {
    this.#neededAt[which] = performance.now()
    const known = this.#readers[which]
    if (known) return known
    const reader = this.#start(true)
    this.#readers[which] = reader
    this.#watch(which, reader, this.#bounds.idleMs)
    return reader
  }

  /** Ends a reader when it is idle; back-to-back reads leave it no idle moment, so reads check too. */
  #watch(which: 'short' | 'long', reader: SqliteWorker, afterMs: number): void {
    const look = () => {
      if (this.#endUnneeded(which, reader)) return
      const { idleMs } = this.#bounds
      const leftMs = this.#neededAt[which] + idleMs - performance.now()
      this.#watch(which, reader, leftMs > 0 ? leftMs : idleMs)
    }
    this.#idle[which] = setTimeout(look, afterMs).unref()
  }

  /** Ends a reader that was not needed for a while. @returns Whether it does. */
  #endUnneeded(which: 'short' | 'long', reader: SqliteWorker): boolean {
    const { idleMs, drainMs } = this.#bounds
    if (reader.waiting > 0 || performance.now() - this.#neededAt[which] < idleMs) return false
    delete this.#readers[which]
    clearTimeout(this.#idle[which])
    const ending = reader.close(drainMs).finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
    return true
  }

  #learn(sql: string, isLong: boolean): void {
    if (!isLong) return void this.#long.delete(sql)
    if (this.#long.size >= maxLong) this.#long.delete(this.#long.keys().next().value!)
    this.#long.add(sql)
  }

  #takeTurn(waiting: Waiting): void {
    const refusal = this.#refusal()
    if (refusal) return waiting.reject(refusal)
    if (!this.#isInTransaction) {
      this.#isInTransaction = waiting.isTransaction
      return waiting.go()
    }
    const { go, reject } = waiting
    const { turnMs } = this.#bounds
    const timer = setTimeout(() => {
      this.#turns.splice(this.#turns.indexOf(bounded), 1)
      reject(new DatabaseOverloaded(`another transaction held the database for ${turnMs} ms`))
    }, turnMs)
    const bounded: Waiting = {
      ...waiting,
      go: () => {
        clearTimeout(timer)
        go()
      },
    }
    this.#turns.push(bounded)
  }

  #nextTurns(): void {
    while (!this.#isInTransaction) {
      const next = this.#turns.shift()
      if (!next) return this.#drained?.()
      this.#isInTransaction = next.isTransaction
      next.go()
    }
  }

  /** Returns the error for a new call if too many wait; statements of an open transaction are never rejected. */
  #refusal(): DatabaseOverloaded | undefined {
    const threads = [this.#writer, ...Object.values(this.#readers)]
    const waiting = threads.reduce((sum, each) => sum + each.waiting, 0)
    if (waiting + this.#turns.length + this.#patient.size < this.#bounds.maxWaiting) return undefined
    return new DatabaseOverloaded(`${this.#bounds.maxWaiting} statements wait for the database already`)
  }
}
