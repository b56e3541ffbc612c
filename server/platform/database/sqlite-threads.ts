/**
 * An SQLite file on threads: one writes and owns every transaction, up to two read. A read that begins after a write was answered
 * sees it, since each statement of a reader begins at the newest commit.
 */
import type { SQLInputValue } from 'node:sqlite'
import { DatabaseOverloaded, type DatabaseThreadEnded } from './database-fault.ts'
import type { Changes, Rows } from './sqlite-messages.ts'
import { SqliteWorker } from './sqlite-worker.ts'
import { isKept } from './statement-cache.ts'

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
  /** A reader that has been at one statement for so long is passed over. */
  stuckMs: number
  /** After so long without a statement the second reader ends. */
  idleMs: number
}

const defaultBounds: ThreadBounds = { maxWaiting: 10_000, turnMs: 30_000, drainMs: 5_000, stuckMs: 5, idleMs: 60_000 }
/** For a thread to close its files once it has nothing more to do. */
const closeMs = 2_000
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
  #reader: SqliteWorker | undefined
  /** Only while it is needed. */
  #secondReader: SqliteWorker | undefined
  #secondIdle: NodeJS.Timeout | undefined
  #isInTransaction = false
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
    // Only now is it sure that there is a file.
    this.#reader = this.#start(true)
    await this.#reader.opened
    return file
  }

  /** Sees all that was committed before. */
  async read(sql: string, values: SQLInputValue[]): Promise<Rows | Changes> {
    const refusal = this.#refusal()
    if (refusal) throw refusal
    const answer = await this.#freeReader(this.#long.has(sql)).run(['run', sql, values])
    this.#learn(sql, 'isLong' in answer && answer.isLong)
    return answer
  }

  /** By itself, in no transaction. */
  async write(sql: string, values: SQLInputValue[]): Promise<Rows | Changes> {
    const written = await new Promise<Rows | Changes>((resolve, reject) =>
      this.#takeTurn({ isTransaction: false, go: () => resolve(this.#writer.run(['run', sql, values])), reject }),
    )
    if (!isKept(sql)) this.#forget()
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
    if (!isKept(sql)) this.#hasOtherSchema = true
    return this.#writer.run(['inside', sql, values])
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
    clearTimeout(this.#secondIdle)
    const { drainMs } = this.#bounds
    const began = performance.now()
    await this.#drain(drainMs)
    const left = () => Math.max(closeMs, drainMs - (performance.now() - began))
    await Promise.all([this.#reader?.close(left()), this.#secondReader?.close(left())])
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
    this.#reader?.forget()
    this.#secondReader?.forget()
  }

  #start(isReader: boolean): SqliteWorker {
    return new SqliteWorker({ path: this.#path, isReader, died: this.#died })
  }

  /** The second one is for reads that took long the last time, and for all while the first is held up. */
  #freeReader(isLong: boolean): SqliteWorker {
    const first = this.#reader
    if (!first) throw new Error('the database is not open')
    if (!isLong && first.stuckMs < this.#bounds.stuckMs) return first
    this.#secondReader ??= this.#start(true)
    const second = this.#secondReader
    this.#endWhenIdle(second)
    if (isLong) return second
    // Both have a long statement.
    return second.stuckMs < first.stuckMs ? second : first
  }

  #learn(sql: string, isLong: boolean): void {
    if (!isLong) return void this.#long.delete(sql)
    if (this.#long.size >= maxLong) this.#long.delete(this.#long.keys().next().value!)
    this.#long.add(sql)
  }

  #endWhenIdle(second: SqliteWorker): void {
    clearTimeout(this.#secondIdle)
    this.#secondIdle = setTimeout(() => {
      if (second.waiting > 0) return this.#endWhenIdle(second)
      this.#secondReader = undefined
      void second.close(closeMs)
    }, this.#bounds.idleMs).unref()
  }

  #takeTurn(waiting: Waiting): void {
    const refusal = this.#refusal()
    if (refusal) return waiting.reject(refusal)
    if (!this.#isInTransaction) {
      this.#isInTransaction = waiting.isTransaction
      return waiting.go()
    }
    const { turnMs } = this.#bounds
    const timer = setTimeout(() => {
      this.#turns.splice(this.#turns.indexOf(bounded), 1)
      waiting.reject(new DatabaseOverloaded(`another transaction kept the database for ${turnMs} ms`))
    }, turnMs)
    const bounded = {
      ...waiting,
      go: () => {
        clearTimeout(timer)
        waiting.go()
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
    const waiting = [this.#writer, this.#reader, this.#secondReader].reduce(
      (sum, each) => sum + (each?.waiting ?? 0),
      0,
    )
    if (waiting + this.#turns.length < this.#bounds.maxWaiting) return undefined
    return new DatabaseOverloaded(`${this.#bounds.maxWaiting} statements wait for the database already`)
  }
}
