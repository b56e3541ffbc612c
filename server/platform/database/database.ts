/** Opens the database that a URL names, and brings its tables up to date: forward only, in a transaction. */
import { Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { markDatabaseFault } from './database-fault.ts'
import { type DatabaseObserver, isWriteStatement } from './database-health.ts'
import * as first from './migrations/0001-first.ts'
import * as events from './migrations/0002-events.ts'
import * as access from './migrations/0003-access.ts'
import * as disabledBy from './migrations/0004-disabled-by.ts'
import * as trailId from './migrations/0005-trail-id.ts'
import * as madeUsers from './migrations/0006-made-users.ts'
import * as writeProbe from './migrations/0007-write-probe.ts'
import * as leases from './migrations/0011-leases.ts'
import { postgresDialect } from './postgres-dialect.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import type { Tables } from './tables.ts'

export type Database = Kysely<Tables>

/** By name, in order; a name that has been released is never changed. */
const migrations: Record<string, Migration> = {
  '0001-first': first,
  '0002-events': events,
  '0003-access': access,
  '0004-disabled-by': disabledBy,
  '0005-trail-id': trailId,
  '0006-made-users': madeUsers,
  '0007-write-probe': writeProbe,
  '0011-leases': leases,
}

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
 * Throws when the database was written by a newer program, or a step fails (which then leaves no trace).
 * @param steps Only a test gives others.
 * @param onPending Hears which steps are taken now on a database that has data, which may take a while; a new one has none.
 */
export async function migrate(
  db: Database,
  steps: Record<string, Migration> = migrations,
  onPending: (names: readonly string[]) => void = () => undefined,
): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => steps } })
  const isNew = (await appliedMigrations(db)).length === 0
  const pending = await pendingMigrations(db, steps)
  if (!isNew && pending.length > 0) onPending(pending)
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

/** Steps that `migrate` would take. @throws Error when the database was written by a newer program. */
export async function pendingMigrations(
  db: Database,
  steps: Record<string, Migration> = migrations,
): Promise<string[]> {
  const applied = await appliedMigrations(db)
  const unknown = applied.filter(name => !(name in steps))
  if (unknown.length > 0) {
    throw new Error(
      `the database is newer than this program: it has ${unknown.join(', ')}. Install the newer RustyMail`,
    )
  }
  return Object.keys(steps).filter(name => !applied.includes(name))
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

async function appliedMigrations(db: Database): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(table => table.name === 'kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  return rows.map(row => row.name)
}
