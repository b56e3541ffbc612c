/** The thread of one SQLite connection: runs orders in sequence, and batches its answers. */
import { statSync } from 'node:fs'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { dropStartMemory } from '../start-memory.ts'
import { OutdatedTransaction } from './database-fault.ts'
import { openSqlite, openSqliteReader, prepareWriting, sleep, whenFree } from './sqlite-file.ts'
import type { Answer, Changes, Fault, FromThread, Order, Rows, ThreadData, ToThread } from './sqlite-messages.ts'
import { changesSchema, StatementCache } from './statement-cache.ts'

/** Answers are flushed before a statement that last took longer than this. */
const slowMs = 1
/** CPU and elapsed time past which a read goes to the second reader; on a busy machine, elapsed time misleads. */
const longMs = { processor: 20, disk: 200 }

/** Size past which the write-ahead log is truncated; SQLite resets it only if it happens to find no reader. */
const maxLogBytes = 32 * 1024 * 1024
const lookAfterWrites = 1_000
/** Time that truncating waits for readers to end their statements. */
const emptyingMs = 100

/** Pause between back-to-back transactions, and its interval, so that other programs, such as commands, get a turn. */
const giveWay = { ms: 4, everyMs: 100 }

/** Rows of an answer without a limit in SQL; more throws. A million exceed the heap and kill the thread slowly. */
const maxRows = 100_000

/** Time after opening when memory that was only needed to start is released. */
const dropAfterMs = 2_000

interface Kept {
  statement: StatementSync
  /** Empty if it returns no rows. */
  columns: string[]
  /** Whether it is a read without a limit, which can be aborted. */
  isOpenEnded: boolean
  /** Duration of the last run; infinite before the first. */
  tookMs: number
}

class SqliteThread {
  readonly #database: DatabaseSync
  readonly #statements: StatementCache<Kept>
  readonly #post: (answers: Answer[]) => void
  #answers: Answer[] = []
  /** Whether a caller awaits one of the answers. */
  #isAwaited = false
  /** CPU usage when this message began or its last long statement ended; reading it costs more than a statement. */
  #usedBefore = process.threadCpuUsage()
  /** The error that ended the transaction that was begun. */
  #brokenBy: unknown
  /** The error of a deferred statement, on which later ones rely. */
  #failedBefore: { error: unknown } | undefined
  #writes = 0
  /** When the last transaction ended; `#heldSince` is when the last pause for other programs ended. */
  #endedAt = Number.NEGATIVE_INFINITY
  #heldSince = 0

  constructor(database: DatabaseSync, post: (answers: Answer[]) => void) {
    this.#database = database
    this.#post = post
    this.#statements = new StatementCache(sql => {
      const statement = database.prepare(sql)
      const columns = statement.columns().map(column => column.name)
      statement.setReturnArrays(true)
      const isOpenEnded = /^\s*select\b/i.test(sql) && !/\blimit\b/i.test(sql)
      return { statement, columns, isOpenEnded, tookMs: Number.POSITIVE_INFINITY }
    })
  }

  runAll(orders: Order[]): void {
    this.#usedBefore = process.threadCpuUsage()
    for (const order of orders) {
      // May flush earlier answers.
      const answer = this.#answerTo(order)
      this.#answers.push(answer)
      if (order[0] !== 'later' && order[0] !== 'begin') this.#isAwaited = true
    }
    this.#flush()
    if (this.#writes >= lookAfterWrites) this.#boundLog()
  }

  forget(): void {
    this.#statements.clear()
  }

  #answerTo(order: Order): Answer {
    try {
      return this.#carryOut(order)
    } catch (error) {
      return { fault: toFault(error) }
    }
  }

  #carryOut(order: Order): Answer {
    switch (order[0]) {
      case 'run':
        return this.#run(order[1], order[2])
      case 'inside':
        return this.#runInside(order[1], order[2])
      case 'later':
        return this.#runLater(order[1], order[2], order[3])
      case 'begin':
        return this.#begin()
      case 'commit':
        return this.#commit()
      case 'rollback':
        return this.#rollback()
    }
  }

  #begin(): Answer {
    this.#brokenBy = undefined
    this.#failedBefore = undefined
    this.#giveWay()
    try {
      // Not deferred: such a transaction fails at its first write if another program has written since its first read.
      return whenFree(this.#database, () => this.#exec('begin immediate'))
    } catch (error) {
      this.#brokenBy = error
      throw error
    }
  }

  #giveWay(): void {
    const now = performance.now()
    const wasFree = now - this.#endedAt >= giveWay.ms
    if (!wasFree && now - this.#heldSince < giveWay.everyMs) return
    if (!wasFree) sleep(giveWay.ms)
    this.#heldSince = performance.now()
  }

  #runInside(sql: string, values: SQLInputValue[]): Changes | Rows {
    if (!this.#database.isTransaction) throw this.#brokenBy
    // Rolling back to a savepoint undoes the failed statement and those that relied on it.
    if (/^\s*rollback to\b/i.test(sql)) this.#failedBefore = undefined
    if (this.#failedBefore) throw this.#failedBefore.error
    try {
      return this.#run(sql, values)
    } catch (error) {
      // SQLite rolls back the whole transaction automatically in some cases, such as a full disk.
      if (!this.#database.isTransaction) this.#brokenBy = error
      throw error
    }
  }

  #runLater(sql: string, values: SQLInputValue[], changes: number | undefined): Answer {
    try {
      const answer = this.#runInside(sql, values)
      if (changes !== undefined && changedBy(answer) !== changes) throw new OutdatedTransaction()
      return answer
    } catch (error) {
      this.#failedBefore = { error }
      throw error
    }
  }

  #commit(): Answer {
    if (!this.#database.isTransaction) throw this.#brokenBy
    try {
      if (this.#failedBefore) throw this.#failedBefore.error
      return this.#exec('commit')
    } catch (error) {
      this.#rollback()
      throw error
    }
  }

  #rollback(): Answer {
    // A failing rollback, with no transaction left, must not hide the original error.
    return this.#database.isTransaction ? this.#exec('rollback') : nothing
  }

  #exec(sql: string): Answer {
    // May wait for the disk, so awaited answers are flushed; others go with its answer, since messages are expensive.
    if (sql !== 'begin immediate' && this.#isAwaited) this.#flush()
    this.#database.exec(sql)
    if (sql !== 'begin immediate') this.#endedAt = performance.now()
    return nothing
  }

  #run(sql: string, values: SQLInputValue[]): Changes | Rows {
    const kept = this.#statements.get(sql)
    if (kept.tookMs > slowMs) this.#flush()
    const began = performance.now()
    const answer = whenFree(this.#database, () => answerOf(kept, values))
    kept.tookMs = performance.now() - began
    // A schema change makes cached statements stale.
    if (changesSchema(sql)) this.forget()
    const wasLong = this.#wasLong(kept.tookMs)
    if ('rows' in answer) return { ...answer, isLong: wasLong }
    this.#writes++
    return answer
  }

  #wasLong(tookMs: number): boolean {
    if (tookMs <= longMs.processor) return false
    const { user, system } = process.threadCpuUsage(this.#usedBefore)
    this.#usedBefore = process.threadCpuUsage()
    return tookMs > longMs.disk || (user + system) / 1000 > longMs.processor
  }

  #boundLog(): void {
    if (this.#database.isTransaction) return
    this.#writes = 0
    const size = statSync(`${this.#database.location()}-wal`, { throwIfNoEntry: false })?.size ?? 0
    if (size < maxLogBytes) return
    const { timeout } = this.#database.prepare('PRAGMA busy_timeout').get() ?? {}
    this.#database.exec(
      `PRAGMA busy_timeout = ${emptyingMs}; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = ${timeout}`,
    )
  }

  #flush(): void {
    if (this.#answers.length === 0) return
    this.#post(this.#answers)
    this.#answers = []
    this.#isAwaited = false
  }
}

const nothing: Answer = { changes: 0, lastInsertRowid: 0 }

function answerOf({ statement, columns, isOpenEnded }: Kept, values: SQLInputValue[]): Changes | Omit<Rows, 'isLong'> {
  if (columns.length === 0) {
    const { changes, lastInsertRowid } = statement.run(...values)
    return { changes, lastInsertRowid }
  }
  const rows = isOpenEnded ? rowsOf(statement, values) : statement.all(...values)
  // Rows are arrays, by `setReturnArrays`, which the type does not express.
  return { columns, rows: rows as unknown as [] }
}

/** Counts changed rows; a statement with `returning` has changed each row it returns. */
function changedBy(answer: Changes | Rows): number {
  return 'rows' in answer ? answer.rows.length : Number(answer.changes)
}

function rowsOf(statement: StatementSync, values: SQLInputValue[]): unknown[] {
  const rows: unknown[] = []
  for (const row of statement.iterate(...values)) {
    if (rows.length === maxRows) throw new Error(`an answer of the database has more than ${maxRows} rows`)
    rows.push(row)
  }
  return rows
}

function toFault(error: unknown): Fault {
  if (!(error instanceof Error)) return { message: String(error) }
  const { message, code, errcode, errstr } = error as Error & Fault
  return { message, ...(code && { code }), ...(errcode !== undefined && { errcode }), ...(errstr && { errstr }) }
}

function open({ path, isReader }: ThreadData): DatabaseSync {
  if (isReader) return openSqliteReader(path)
  const database = openSqlite(path)
  prepareWriting(database)
  return database
}

/**
 * Opens the database, and posts the outcome.
 * @returns A handler for messages, which returns false for the last one; undefined if opening failed.
 */
export function openThread(data: ThreadData, post: (message: FromThread) => void) {
  let database: DatabaseSync
  try {
    database = open(data)
  } catch (error) {
    post({ unopened: toFault(error) })
    return undefined
  }
  post({ opened: database.location() })
  const thread = new SqliteThread(database, post)
  return (message: ToThread): boolean => {
    if (message === 'close') {
      database.close()
      return false
    }
    if (message === 'forget') thread.forget()
    else thread.runAll(message)
    return true
  }
}

function serve(port: MessagePort, data: ThreadData): void {
  const hear = openThread(data, message => port.postMessage(message))
  if (!hear) return port.close()
  // After the program has loaded; from then on, the event loop of this thread is blocked.
  setImmediate(() => {
    listen(port, data.bell, hear)
    port.close()
  })
}

/** Waits for messages on the bell: waking and sleeping in the event loop costs more than most statements. */
function listen(port: MessagePort, bell: SharedArrayBuffer, onMessage: (message: ToThread) => boolean): void {
  const rung = new Int32Array(bell)
  const dropAt = performance.now() + dropAfterMs
  let isDropped = false
  for (;;) {
    // Loaded before reading messages: a later one changes the counter again.
    const heard = Atomics.load(rung, 0)
    for (let next = receive(port); next; next = receive(port)) if (!onMessage(next.message)) return
    const patienceMs = isDropped ? Number.POSITIVE_INFINITY : dropAt - performance.now()
    if (patienceMs > 0) Atomics.wait(rung, 0, heard, patienceMs)
    else {
      isDropped = true
      dropStartMemory()
    }
  }
}

function receive(port: MessagePort): { message: ToThread } | undefined {
  return receiveMessageOnPort(port)
}

// There is no port when the file is only loaded to fill the compile cache, and no data in a thread with other tasks.
if (parentPort && workerData) serve(parentPort, workerData)
