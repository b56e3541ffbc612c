/** Opens the database that a URL names. */
import { Kysely, sql } from 'kysely'
import type { Tracer } from '../tracing/tracer.ts'
import { type DatabaseThreadEnded, markDatabaseFault } from './database-fault.ts'
import { type DatabaseObserver, isWriteStatement } from './database-health.ts'
import { postgresDialect } from './postgres-dialect.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import { busyMs, sqliteFile } from './sqlite-file.ts'
import type { ThreadBounds } from './sqlite-threads.ts'
import type { Tables } from './tables.ts'
import { ThreadedSqliteDialect } from './threaded-sqlite-dialect.ts'
import { tracedDialect } from './traced-dialect.ts'

export type Database = Kysely<Tables>

/**
 * @param url `sqlite:<path>`, `sqlite::memory:` or `postgres://…`. Opens lazily: the first query may fail.
 * @param observer Hears what becomes of statements.
 * @param tracer Where there is a collector.
 */
export function openDatabase(url: string, observer?: DatabaseObserver, tracer?: Tracer): Database {
  if (url.startsWith('sqlite:')) {
    const dialect = sqliteDialect(url.slice('sqlite:'.length), observer)
    return new Kysely<Tables>({ dialect: tracer ? tracedDialect(dialect, 'sqlite', tracer) : dialect })
  }
  const dialect = postgresDialect(url)
  return new Kysely<Tables>({
    dialect: tracer ? tracedDialect(dialect, 'postgresql', tracer) : dialect,
    log: event => {
      if (event.level !== 'error') return
      markDatabaseFault(event.error)
      observer?.failed(event.error, isWriteStatement(event.query.sql))
    },
  })
}

export interface ServerDatabaseOptions {
  /** As for `openDatabase`. */
  url: string
  observer: DatabaseObserver
  /** Nothing can be asked any more: a thread with SQLite ended by itself. Called once at most. */
  died(error: DatabaseThreadEnded): void
  bounds?: Partial<ThreadBounds>
  /** Where there is a collector. */
  tracer?: Tracer | undefined
}

/**
 * For what must not stand still while the database is at work: an SQLite file is on threads. Commands do without: they have nothing
 * else to do, and would wait for threads to start. So does a database in memory, which has one connection alone.
 */
export function openServerDatabase({ url, observer, died, bounds, tracer }: ServerDatabaseOptions): Database {
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : ''
  if (sqliteFile(path) === undefined) return openDatabase(url, observer, tracer)
  const dialect = new ThreadedSqliteDialect({ path, observer, died, ...(bounds && { bounds }) })
  return new Kysely<Tables>({ dialect: tracer ? tracedDialect(dialect, 'sqlite', tracer) : dialect })
}

/**
 * What was committed survives a power failure from here on. PostgreSQL made it last before it said that it was done; SQLite (WAL,
 * synchronous = NORMAL) may lose its latest commits until they are in the database file itself.
 * @throws Error while another program reads a state from before.
 */
export async function settle(db: Database, url: string): Promise<void> {
  if (!url.startsWith('sqlite:')) return
  for (const began = performance.now(); ; ) {
    const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(db)
    if (!rows[0]?.busy) return
    if (performance.now() - began >= busyMs) break
  }
  throw new Error('another program is reading the database: try again when it is done')
}

/** One cheap query; throws when the database does not answer. */
export async function ping(db: Database): Promise<void> {
  await sql`select 1`.execute(db)
}
