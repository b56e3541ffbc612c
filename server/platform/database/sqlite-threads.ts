/**
 * An SQLite file on threads: one writes and owns every transaction, up to two read. A read that begins after a write was answered
 * sees it, since each statement of a reader begins at the newest commit.
 */
import type { SQLInputValue } from 'node:sqlite'
import { DatabaseOverloaded, type DatabaseThreadEnded } from './database-fault.ts'
import type { Changes, Order, Rows } from './sqlite-messages.ts'
import { SqliteWorker } from './sqlite-worker.ts'
import { changesSchema } from './statement-cache.ts'

export interface SqliteThreadsOptions {
  path: string
  /** One of them ended by itself. Called once. */
  died(error: DatabaseThreadEnded): void
  bounds?: Partial<ThreadBounds>
}

export interface ThreadBounds {
  /** Statements that are not answered yet, of all threads, and those that wait for a turn to write. */
  maxWaiting: number
  /** As long as a transaction of somebody else may take. */
  turnMs: number
  /** When it is closed, for what is under way. */
  drainMs: number
  /** A thread that has been at one statement for so long is passed over by reads. */
  stuckMs: number
  /** After so long without a statement that needed it a reader ends. */
  idleMs: number
}

const defaultBounds: ThreadBounds = { maxWaiting: 10_000, turnMs: 30_000, drainMs: 5_000, stuckMs: 5, idleMs: 10_000 }
/** For a thread to close its files once it has nothing more to do. */
const closeMs = 2_000
/**
 * While there is no reader, so many reads that find the writer busy wait so long for it; the others get a reader. So few do not keep one
 * either. A server that starts reads at once what is stored, some twenty times, and is idle afterwards: a reader would take longer to start.
 */
const patience = { reads: 10, withinMs: 10_000, waitMs: 50, readsAtStart: 40 }
/** Texts of reads that are known to take long; past it the oldest is taken for a short one. */
const maxLong = 100

/** What waits until no transaction is open. */
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
  /** Reads that took long the last time, by their text. */
  readonly #long = new Set<string>()
  readonly #readers: { short?: SqliteWorker; long?: SqliteWorker } = {}
  /** Readers that end, since nobody needs them. */
  readonly #ending = new Set<Promise<void>>()
  readonly #idle: { short?: NodeJS.Timeout; long?: NodeJS.Timeout } = {}
  /** When a read last needed it. */
  readonly #neededAt = { short: 0, long: 0 }
  #isInTransaction = false
  #busySince = performance.now()
  #busyReads = patience.reads - patience.readsAtStart
  /** Reads that wait for the writer to be free. */
  readonly #patient = new Set<() => void>()
  /** What is inside may have changed it. */
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

  /** The file. @throws what SQLite says when it cannot be opened. */
  async open(): Promise<string> {
    const file = await this.#writer.opened
    if (file === null) throw new Error('a database in memory has one connection alone')
    return file
  }

  /** Sees all that was committed before. */
  async read(sql: string, values: SQLInputValue[]): Promise<Rows | Changes> {
    if (this.#isHeldUp(sql)) {
      // Where the loop was late itself, the answer has come and is not heard yet: a second reader is for threads that are late.
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

  /** By itself, in no transaction. */
  async write(sql: string, values: SQLInputValue[]): Promise<Rows | Changes> {
    const written = await new Promise<Rows | Changes>((resolve, reject) =>
      this.#takeTurn({ isTransaction: false, go: () => resolve(this.#writer.run(['run', sql, values])), reject }),
    )
    if (changesSchema(sql)) this.#forget()
    return written
  }

  /** Waits for those who asked before. The transaction is open until `end`. */
  async begin(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#takeTurn({ isTransaction: true, go: resolve, reject }))
    // Should it fail, each statement inside fails with the reason.
    this.#writer.run(['begin']).catch(() => undefined)
  }

  /** In the transaction that is open. */
  inside(sql: string, values: SQLInputValue[]): Promise<Rows | Changes> {
    if (changesSchema(sql)) this.#hasOtherSchema = true
    return this.#writer.run(['inside', sql, values])
  }

  /**
   * The same, where what follows in the transaction need not wait for the answer, and fails where this fails.
   * @param changes Rows that it has to change; undefined for any number.
   */
  later(sql: string, values: SQLInputValue[], changes: number | undefined): Promise<Rows | Changes> {
    if (changesSchema(sql)) this.#hasOtherSchema = true
    return this.#writer.run(['later', sql, values, changes])
  }

  /** Whatever comes of it, no transaction is open behind it. */
  async end(how: 'commit' | 'rollback'): Promise<void> {
    const ended = this.#writer.run([how])
    const hasOtherSchema = this.#hasOtherSchema
    this.#isInTransaction = false
    this.#hasOtherSchema = false
    this.#nextTurns()
    await ended
    if (hasOtherSchema) this.#forget()
  }

  /** What was asked before is done, as far as there is time. */
  async close(): Promise<void> {
    for (const timer of Object.values(this.#idle)) clearTimeout(timer)
    const { drainMs } = this.#bounds
    const began = performance.now()
    for (const go of this.#patient) go()
    await this.#drain(drainMs)
    const left = () => Math.max(closeMs, drainMs - (performance.now() - began))
    await Promise.all([...this.#ending, ...Object.values(this.#readers).map(reader => reader.close(left()))])
    // The last one: it takes the log into the database, which a reader cannot.
    await this.#writer.close(left())
  }

  /** Until no transaction is open, nor waited for. */
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
   * An idle server needs one thread alone: the one that writes reads too while it is free. The second reader is for what took long
   * the last time, and for all while the first is held up.
   */
  #threadFor(sql: string): SqliteWorker {
    if (this.#long.has(sql)) return this.#lend('long')
    const short = this.#shortThread()
    if (short === this.#writer) return short
    if (!this.#isHeldUp(sql)) return short
    const long = this.#lend('long')
    return long.stuckMs < short.stuckMs ? long : short
  }

  /** A reader that is there reads, so that a write need not wait; but it stays only where the writer is often busy. */
  #shortThread(): SqliteWorker {
    const { short } = this.#readers
    if (this.#isWriterFree) return short && !this.#endUnneeded('short', short) ? short : this.#writer
    return short && !this.#isOftenBusy() ? short : this.#lend('short')
  }

  /** Whether the reader that it is for has been at one statement for too long. */
  #isHeldUp(sql: string): boolean {
    const { short } = this.#readers
    return short !== undefined && !this.#long.has(sql) && short.stuckMs >= this.#bounds.stuckMs
  }

  /** Whether it waits until the writer is free: a reader is worth its memory and its start only where that happens often. */
  #isPatient(sql: string): boolean {
    if (this.#isWriterFree || this.#readers.short || this.#long.has(sql)) return false
    return !this.#isOftenBusy()
  }

  /** Of a read that found the writer busy. */
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
      // Behind the answers that have come, where the loop was late itself: the writer may be free.
      const timer = setTimeout(() => setImmediate(go), patience.waitMs)
      this.#patient.add(go)
    })
  }

  get #isWriterFree(): boolean {
    return !this.#isInTransaction && this.#writer.waiting === 0
  }

  /** The first of them keeps it for itself, until it is answered. */
  #writerIsIdle(): void {
    const [next] = this.#patient
    if (this.#isWriterFree) next?.()
  }

  /** Started when it is needed; it ends when it was not for a while. */
  #lend(which: 'short' | 'long'): SqliteWorker {
    this.#neededAt[which] = performance.now()
    const known = this.#readers[which]
    if (known) return known
    const reader = this.#start(true)
    this.#readers[which] = reader
    this.#watch(which, reader, this.#bounds.idleMs)
    return reader
  }

  /** Reads that come one behind the other leave it no idle moment, so each of them asks too. */
  #watch(which: 'short' | 'long', reader: SqliteWorker, afterMs: number): void {
    const look = () => {
      if (this.#endUnneeded(which, reader)) return
      const { idleMs } = this.#bounds
      const leftMs = this.#neededAt[which] + idleMs - performance.now()
      this.#watch(which, reader, leftMs > 0 ? leftMs : idleMs)
    }
    this.#idle[which] = setTimeout(look, afterMs).unref()
  }

  /** @returns Whether it ends. */
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
      reject(new DatabaseOverloaded(`another transaction kept the database for ${turnMs} ms`))
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

  /** Only of what begins now: what is under way is never refused. */
  #refusal(): DatabaseOverloaded | undefined {
    const threads = [this.#writer, ...Object.values(this.#readers)]
    const waiting = threads.reduce((sum, each) => sum + each.waiting, 0)
    if (waiting + this.#turns.length + this.#patient.size < this.#bounds.maxWaiting) return undefined
    return new DatabaseOverloaded(`${this.#bounds.maxWaiting} statements wait for the database already`)
  }
}
