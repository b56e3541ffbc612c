/** Kysely's SQLite dialect over node:sqlite in the calling thread: for commands, databases in memory, and tests. */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type DialectAdapter, SqliteAdapter, type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely'
import { type DatabaseObserver, isWriteStatement, LiveFile } from './database-health.ts'
import { openSqlite, prepareWriting, whenFree } from './sqlite-file.ts'
import { encodeAll, StatementCache } from './statement-cache.ts'

export function sqliteDialect(path: string, observer?: DatabaseObserver): SqliteDialect {
  const database = openSqlite(path)
  prepareWriting(database)
  const file = database.location()
  if (file !== null) observer?.opened(new LiveFile(file))
  const cache = new StatementCache(sql => wrap(database, database.prepare(sql), isWriteStatement(sql), observer))
  const prepare = (sql: string): SqliteStatement => {
    // When the disk is full, SQLite rolls back automatically; a failing `rollback` must not hide the original error.
    if (sql === 'rollback' && !database.isTransaction) return nothing
    // Not deferred: such a transaction fails at its first write if another program has written since its first read.
    return cache.get(sql === 'begin' ? 'begin immediate' : sql)
  }
  const wrapped: SqliteDatabase = { prepare, close: () => database.close() }
  return new TransactionalSqliteDialect({ database: wrapped })
}

/** Tells Kysely that SQLite supports transactional DDL, so that it runs migrations in a transaction. */
class TransactionalSqliteDialect extends SqliteDialect {
  override createAdapter(): DialectAdapter {
    return new TransactionalSqliteAdapter()
  }
}

export class TransactionalSqliteAdapter extends SqliteAdapter {
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

function wrap(
  database: DatabaseSync,
  statement: StatementSync,
  isWrite: boolean,
  observer: DatabaseObserver | undefined,
): SqliteStatement {
  const observed = <Result>(run: () => Result): Result => {
    try {
      if (isWrite) observer?.beforeWrite()
      return whenFree(database, run)
    } catch (error) {
      observer?.failed(error, isWrite)
      throw error
    }
  }
  return {
    reader: statement.columns().length > 0,
    all: values => observed(() => statement.all(...encodeAll(values))),
    run: values => observed(() => statement.run(...encodeAll(values))),
    iterate: values => statement.iterate(...encodeAll(values)),
  }
}
