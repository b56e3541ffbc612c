/** Kysely's SQLite dialect over threads: concurrent reads, one writer, and a main thread that never blocks on them. */
import type { SQLInputValue } from 'node:sqlite'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type DialectAdapter,
  type Driver,
  type QueryResult,
  SqliteDialect,
} from 'kysely'
import type { DatabaseThreadEnded } from './database-fault.ts'
import { type DatabaseObserver, isWriteStatement, LiveFile } from './database-health.ts'
import { isLater, type LaterQuery } from './later.ts'
import { TransactionalSqliteAdapter } from './sqlite-dialect.ts'
import type { Changes, Rows } from './sqlite-messages.ts'
import { SqliteThreads, type ThreadBounds } from './sqlite-threads.ts'
import { encode } from './statement-cache.ts'

export interface ThreadedSqliteOptions {
  path: string
  observer: DatabaseObserver | undefined
  /** Called at most once, if a thread crashed: statements in flight and later ones fail. */
  died(error: DatabaseThreadEnded): void
  bounds?: Partial<ThreadBounds>
}

export class ThreadedSqliteDialect extends SqliteDialect {
  readonly #options: ThreadedSqliteOptions

  constructor(options: ThreadedSqliteOptions) {
    // Never called: only the base class's driver would open it.
    super({ database: () => Promise.reject(new Error('the database is on threads')) })
    this.#options = options
  }

  override createDriver(): Driver {
    return new ThreadedDriver(this.#options)
  }

  override createAdapter(): DialectAdapter {
    return new ConcurrentSqliteAdapter()
  }
}

/** Tells Kysely that connections are concurrent: a reader does not wait for the end of a transaction. */
class ConcurrentSqliteAdapter extends TransactionalSqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

class ThreadedDriver implements Driver {
  readonly #options: ThreadedSqliteOptions
  #threads: SqliteThreads | undefined

  constructor(options: ThreadedSqliteOptions) {
    this.#options = options
  }

  async init(): Promise<void> {
    const { path, observer, died, bounds } = this.#options
    const threads = new SqliteThreads({ path, died, ...(bounds && { bounds }) })
    try {
      const file = await threads.open()
      observer?.opened(new LiveFile(file))
    } catch (error) {
      await threads.close()
      throw error
    }
    this.#threads = threads
  }

  async acquireConnection(): Promise<ThreadedConnection> {
    if (!this.#threads) throw new Error('the database is not open')
    return new ThreadedConnection(this.#threads, this.#options.observer)
  }

  async beginTransaction(connection: ThreadedConnection): Promise<void> {
    await connection.begin()
  }

  async commitTransaction(connection: ThreadedConnection): Promise<void> {
    await connection.end('commit')
  }

  async rollbackTransaction(connection: ThreadedConnection): Promise<void> {
    await connection.end('rollback')
  }

  async releaseConnection(connection: ThreadedConnection): Promise<void> {
    await connection.end('rollback')
  }

  async destroy(): Promise<void> {
    await this.#threads?.close()
  }
}

interface Kept {
  sql: string
  values: SQLInputValue[]
  changes: number | undefined
  answer: PromiseWithResolvers<QueryResult<unknown>>
}

/** Connection of one caller: routes each statement to the open transaction, a reader or the writer. */
class ThreadedConnection implements DatabaseConnection {
  readonly #threads: SqliteThreads
  readonly #observer: DatabaseObserver | undefined
  #isInTransaction = false
  /** Deferred statements, sent with the next one. */
  readonly #later: Kept[] = []

  constructor(threads: SqliteThreads, observer: DatabaseObserver | undefined) {
    this.#threads = threads
    this.#observer = observer
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    if (this.#isInTransaction && isLater(query)) return this.#keep(query)
    const threads = this.#threads
    const { sql } = query
    const values = query.parameters.map(encode)
    const answer = await this.#observed(sql, () => {
      if (!this.#isInTransaction) return isRead(sql) ? threads.read(sql, values) : threads.write(sql, values)
      this.#sendLater()
      return threads.inside(sql, values)
    })
    return toResult(answer)
  }

  // biome-ignore lint/correctness/useYield: an answer in pieces would keep a reader from others.
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('read in pages: SQLite on threads has no streams')
  }

  async begin(): Promise<void> {
    await this.#threads.begin()
    this.#isInTransaction = true
  }

  /** Ends the transaction. A failing commit has rolled back, so a later `rollback` is a no-op. */
  async end(how: 'commit' | 'rollback'): Promise<void> {
    if (!this.#isInTransaction) return
    await this.#observed(how, () => {
      // The commit fails if one of them does.
      if (how === 'commit') this.#sendLater()
      for (const { answer } of this.#later.splice(0)) answer.reject(new Error('the transaction was rolled back'))
      this.#isInTransaction = false
      return this.#threads.end(how)
    })
  }

  /** Defers a statement. @throws errors that would prevent sending it */
  #keep<Row>({ sql, parameters, later }: LaterQuery): QueryResult<Row> {
    if (isWriteStatement(sql)) this.#observer?.beforeWrite()
    const answer = Promise.withResolvers<QueryResult<unknown>>()
    later.answer = answer.promise
    this.#later.push({ sql, values: parameters.map(encode), changes: later.changes, answer })
    return { rows: [] }
  }

  #sendLater(): void {
    for (const { sql, values, changes, answer } of this.#later.splice(0)) {
      const run = () => this.#threads.later(sql, values, changes)
      answer.resolve(this.#observed(sql, run).then(toResult))
    }
  }

  async #observed<Result>(sql: string, run: () => Promise<Result>): Promise<Result> {
    const isWrite = isWriteStatement(sql)
    try {
      if (isWrite) this.#observer?.beforeWrite()
      return await run()
    } catch (error) {
      this.#observer?.failed(error, isWrite)
      throw error
    }
  }
}

/** Whether a statement goes to a reader; all others go to the writer, even reads like `with` or `pragma`. */
function isRead(sql: string): boolean {
  return /^\s*select\b/i.test(sql)
}

function toResult<Row>(answer: Rows | Changes): QueryResult<Row> {
  if ('rows' in answer) return { rows: toObjects<Row>(answer) }
  return { insertId: BigInt(answer.lastInsertRowid), numAffectedRows: BigInt(answer.changes), rows: [] }
}

function toObjects<Row>({ columns, rows }: Rows): Row[] {
  return rows.map(values => {
    const row: Record<string, unknown> = {}
    for (let index = 0; index < columns.length; index++) row[columns[index]!] = values[index]
    return row as Row
  })
}
