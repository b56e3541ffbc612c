/** Kysely's SQLite dialect over node:sqlite. Refuses what node:sqlite would silently store as NULL. */
import type { SQLInputValue, StatementSync } from 'node:sqlite'
import { type DialectAdapter, SqliteAdapter, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely'
import { type DatabaseObserver, isWriteStatement } from './database-health.ts'
import { LiveFile } from './live-file.ts'
import { openSqlite } from './sqlite-file.ts'

/** Statements kept ready; more than a program of this size has. When full, the oldest goes. */
const cacheSize = 500

export function sqliteDialect(path: string, observer?: DatabaseObserver): SqliteDialect {
  const database = openSqlite(path)
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000',
  )
  const file = database.location()
  if (file !== null) observer?.opened(new LiveFile(file))
  const cache = new Map<string, SqliteStatement>()
  const prepare = (sql: string): SqliteStatement => {
    // When the disk is full SQLite takes back the whole transaction by itself; the reason must not be hidden behind that.
    if (sql === 'rollback' && !database.isTransaction) return nothing
    const known = cache.get(sql)
    if (known) return known
    const statement = wrap(database.prepare(sql), isWriteStatement(sql), observer)
    // A schema change makes kept statements stale: only plain reads and writes are kept.
    if (!/^\s*(select|insert|update|delete|with)\b/i.test(sql)) return statement
    if (cache.size >= cacheSize) cache.delete(cache.keys().next().value!)
    cache.set(sql, statement)
    return statement
  }
  const wrapped: SqliteDatabase = { prepare, close: () => database.close() }
  return new TransactionalSqliteDialect({ database: wrapped })
}

/** SQLite can change tables inside a transaction; Kysely runs migrations in one when it is told so. */
class TransactionalSqliteDialect extends SqliteDialect {
  override createAdapter(): DialectAdapter {
    return new TransactionalSqliteAdapter()
  }
}

class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

const nothing: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [].values(),
}

function wrap(statement: StatementSync, isWrite: boolean, observer: DatabaseObserver | undefined): SqliteStatement {
  const observed = <Result>(run: () => Result): Result => {
    try {
      if (isWrite) observer?.beforeWrite()
      return run()
    } catch (error) {
      observer?.failed(error, isWrite)
      throw error
    }
  }
  return {
    reader: statement.columns().length > 0,
    all: values => observed(() => statement.all(...values.map(encode))),
    run: values => observed(() => statement.run(...values.map(encode))),
    iterate: values => statement.iterate(...values.map(encode)),
  }
}

function encode(value: unknown): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    return value
  if (value instanceof Uint8Array) return value
  throw new TypeError(`cannot store a ${typeof value}: stores keep text, integers, reals and null`)
}
