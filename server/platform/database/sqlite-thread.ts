/** The thread of one SQLite connection: runs what it is told in order, and answers many statements at once. */
import { statSync } from 'node:fs'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { dropStartMemory } from '../start-memory.ts'
import { OutdatedTransaction } from './database-fault.ts'
import { openSqlite, openSqliteReader, prepareWriting, sleep, whenFree } from './sqlite-file.ts'
import type { Answer, Changes, Fault, FromThread, Order, Rows, ThreadData, ToThread } from './sqlite-messages.ts'
import { changesSchema, StatementCache } from './statement-cache.ts'

/** What took longer the last time is not begun before those who wait for earlier statements have their answers. */
const slowMs = 1
/** A read that takes longer, of the processor or with the disk, is one for the second reader. On a busy machine others take its time. */
const longMs = { processor: 20, disk: 200 }

/** Past it the write-ahead log is emptied, which SQLite does by itself only when it happens to find no reader. */
const maxLogBytes = 32 * 1024 * 1024
const lookAfterWrites = 1_000
/** For readers to end their statements. */
const emptyingMs = 100

/** Where transactions come one right behind the other, other programs, as a command beside the server, get so long so often. */
const giveWay = { ms: 4, everyMs: 100 }

/** Of an answer that its statement does not bound. A million short ones are more than the heap of the thread, which then takes minutes to end. */
const maxRows = 100_000

/** When it is open, it has used more than it will need. */
const dropAfterMs = 2_000

interface Kept {
  statement: StatementSync
  /** None: it answers no rows. */
  columns: string[]
  /** It does not say how many rows it answers at most. What it reads alone can be given up half way. */
  isOpenEnded: boolean
  /** Of the last time; at first nothing is known of it. */
  tookMs: number
}

class SqliteThread {
  readonly #database: DatabaseSync
  readonly #statements: StatementCache<Kept>
  readonly #post: (answers: Answer[]) => void
  #answers: Answer[] = []
  /** Whether somebody waits for one of them before they go on. */
  #isAwaited = false
  /** When this message began, or its last long statement ended: to ask costs more than a short statement. */
  #usedBefore = process.threadCpuUsage()
  /** Why there is no transaction where one was begun. */
  #brokenBy: unknown
  /** Of a statement whose answer nobody waited for: what follows relies on it. */
  #failedBefore: { error: unknown } | undefined
  #writes = 0
  /** When the last transaction ended, and since when others have found the database held nearly all the time. */
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
      // It may send those before it.
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
      // Not a deferred one, which fails at its first write when another program has written since its first read.
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
    // Back to a savepoint, what failed is gone with all that relied on it.
    if (/^\s*rollback to\b/i.test(sql)) this.#failedBefore = undefined
    if (this.#failedBefore) throw this.#failedBefore.error
    try {
      return this.#run(sql, values)
    } catch (error) {
      // When the disk is full, for instance, SQLite takes back the whole transaction by itself.
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
    // The reason must not be hidden behind that there is nothing to take back any more.
    return this.#database.isTransaction ? this.#exec('rollback') : nothing
  }

  #exec(sql: string): Answer {
    // It may wait for the disk. What nobody waits for goes with its answer: each message costs more than most statements.
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
    // It may have changed what a kept one answers.
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
  // As arrays, as they were asked for, which their type does not know.
  return { columns, rows: rows as unknown as [] }
}

/** What answers rows has changed each of them. */
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
 * Opens it, and says so or why not.
 * @returns What carries out the messages in their order, and answers false to the last one; undefined where nothing is open.
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
  // Behind the start of the program. From then on nothing else runs in the event loop of this thread.
  setImmediate(() => {
    listen(port, data.bell, hear)
    port.close()
  })
}

/** Sleeps until something is said: in the event loop, to hear of a message and to go back to sleep cost more than most statements. */
function listen(port: MessagePort, bell: SharedArrayBuffer, hear: (message: ToThread) => boolean): void {
  const rung = new Int32Array(bell)
  const dropAt = performance.now() + dropAfterMs
  let isDropped = false
  for (;;) {
    // Before the messages are read: one that comes behind them rings again.
    const heard = Atomics.load(rung, 0)
    for (let next = receive(port); next; next = receive(port)) if (!hear(next.message)) return
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

// Where it is only compiled there is no port; and a thread with other tasks has no data for this one.
if (parentPort && workerData) serve(parentPort, workerData)
