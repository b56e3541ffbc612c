/** Opens the database that a URL names. */
import { Kysely, sql } from 'kysely'
import { markDatabaseFault } from './database-fault.ts'
import { type DatabaseObserver, isWriteStatement } from './database-health.ts'
import { postgresDialect } from './postgres-dialect.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import type { Tables } from './tables.ts'

export type Database = Kysely<Tables>

/**
 * @param url `sqlite:<path>`, `sqlite::memory:` or `postgres://…`. Opens lazily: the first query may fail.
 * @param observer Hears what becomes of statements.
 */
export function openDatabase(url: string, observer?: DatabaseObserver): Database {
  if (url.startsWith('sqlite:')) {
    return new Kysely<Tables>({ dialect: sqliteDialect(url.slice('sqlite:'.length), observer) })
  }
  return new Kysely<Tables>({
    dialect: postgresDialect(url),
    log: event => {
      if (event.level !== 'error') return
      markDatabaseFault(event.error)
      observer?.failed(event.error, isWriteStatement(event.query.sql))
    },
  })
}

/**
 * What was committed survives a power failure from here on. PostgreSQL made it last before it said that it was done; SQLite (WAL,
 * synchronous = NORMAL) may lose its latest commits until they are in the database file itself.
 * @throws Error while another program reads a state from before.
 */
export async function settle(db: Database, url: string): Promise<void> {
  if (!url.startsWith('sqlite:')) return
  const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(db)
  if (rows[0]?.busy) throw new Error('another program is reading the database: try again when it is done')
}

/** One cheap query; throws when the database does not answer. */
export async function ping(db: Database): Promise<void> {
  await sql`select 1`.execute(db)
}
