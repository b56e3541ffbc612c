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
  /** After so long without a statement a reader ends. */
  idleMs: number
}

const defaultBounds: ThreadBounds = { maxWaiting: 10_000, turnMs: 30_000, drainMs: 5_000, stuckMs: 5, idleMs: 10_000 }
/** For a thread to close its files once it has nothing more to do. */
const closeMs = 2_000
/** While there is no reader, so many reads wait so long for the writer to be free; the others get a reader. */
const patience = { reads: 10, withinMs: 10_000, waitMs: 50 }
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
  readonly #idle: { short?: NodeJS.Timeout; long?: NodeJS.Timeout } = {}
  #isInTransaction = false
  #patientSince = Number.NEGATIVE_INFINITY
  #patientReads = 0
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
    await Promise.all(Object.values(this.#readers).map(reader => reader.close(left())))
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
    if (!this.#readers.short && this.#isWriterFree) return this.#writer
    const short = this.#lend('short')
    if (!this.#isHeldUp(sql)) return short
    const long = this.#lend('long')
    return long.stuckMs < short.stuckMs ? long : short
  }

  /** Whether the reader that it is for has been at one statement for too long. */
  #isHeldUp(sql: string): boolean {
    const { short } = this.#readers
    return short !== undefined && !this.#long.has(sql) && short.stuckMs >= this.#bounds.stuckMs
  }

  /** Whether it waits until the writer is free: a reader is worth its memory and its start only where that happens often. */
  #isPatient(sql: string): boolean {
    if (this.#isWriterFree || this.#readers.short || this.#long.has(sql)) return false
    const now = performance.now()
    if (now - this.#patientSince > patience.withinMs) {
      this.#patientSince = now
      this.#patientReads = 0
    }
    return ++this.#patientReads <= patience.reads
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

  /** Started when it is needed; it ends when it is not for a while. */
  #lend(which: 'short' | 'long'): SqliteWorker {
    this.#readers[which] ??= this.#start(true)
    const reader = this.#readers[which]
    clearTimeout(this.#idle[which])
    const end = () => {
      if (this.#readers[which] !== reader) return
      delete this.#readers[which]
      void reader.close(this.#bounds.drainMs)
    }
    this.#idle[which] = setTimeout(() => (reader.waiting > 0 ? this.#lend(which) : end()), this.#bounds.idleMs).unref()
    return reader
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
