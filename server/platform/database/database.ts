/** Opens the database of a URL. */
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
 * Opens a database lazily: the first query may fail.
 * @param url `sqlite:<path>`, `sqlite::memory:` or `postgres://…`.
 * @param observer Notified of the outcome of statements.
 * @param tracer Given if there is a collector.
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
  /** See `openDatabase`. */
  url: string
  observer: DatabaseObserver
  /** Called at most once, when an SQLite thread crashed and no more queries are possible. */
  died(error: DatabaseThreadEnded): void
  bounds?: Partial<ThreadBounds>
  /** Given if there is a collector. */
  tracer?: Tracer | undefined
}

/**
 * Opens the database for the server, whose event loop must not block: an SQLite file is accessed on threads. Commands
 * do without them, since they have nothing else to do and would wait for the threads to start; so does a database in
 * memory, which has a single connection.
 */
export function openServerDatabase({ url, observer, died, bounds, tracer }: ServerDatabaseOptions): Database {
  const path = url.startsWith('sqlite:') ? url.slice('sqlite:'.length) : ''
  if (sqliteFile(path) === undefined) return openDatabase(url, observer, tracer)
  const dialect = new ThreadedSqliteDialect({ path, observer, died, ...(bounds && { bounds }) })
  return new Kysely<Tables>({ dialect: tracer ? tracedDialect(dialect, 'sqlite', tracer) : dialect })
}

/**
 * Makes all commits so far survive a power failure. On PostgreSQL each commit is already durable; SQLite (WAL,
 * synchronous = NORMAL) may lose its latest commits until they are checkpointed into the database file.
 * @throws Error while another program holds an older snapshot
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

/** Runs a cheap query; throws if the database does not answer. */
export async function ping(db: Database): Promise<void> {
  await sql`select 1`.execute(db)
}
