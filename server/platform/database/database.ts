/** Opens the database that a URL names, and brings its tables up to date: forward only, in a transaction. */
import { Socket } from 'node:net'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import pg from 'pg'
import { markDatabaseFault } from './database-fault.ts'
import * as first from './migrations/0001-first.ts'
import * as events from './migrations/0002-events.ts'
import * as access from './migrations/0003-access.ts'
import * as disabledBy from './migrations/0004-disabled-by.ts'
import * as trailId from './migrations/0005-trail-id.ts'
import * as madeUsers from './migrations/0006-made-users.ts'
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
}

/** @param url `sqlite:<path>`, `sqlite::memory:` or `postgres://…`. Opens lazily: the first query may fail. */
export function openDatabase(url: string): Database {
  if (url.startsWith('sqlite:')) return new Kysely<Tables>({ dialect: sqliteDialect(url.slice('sqlite:'.length)) })
  const types = {
    // node-postgres answers 64-bit integers as text; ours fit a number.
    getTypeParser: (oid: number, format?: 'text' | 'binary') =>
      oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
  }
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 10_000,
    stream: () => {
      const socket = new Socket()
      return socket.setTimeout(30_000, () => socket.destroy(new Error('the database did not answer in time')))
    },
    types: types as pg.CustomTypesConfig,
  })
  // Without a listener a connection that breaks while idle would end the process; the next query says so itself.
  pool.on('error', () => undefined)
  // One that breaks while it is lent tells so twice: its query fails, and it emits an error, which nobody else hears.
  pool.on('connect', client => client.on('error', () => undefined))
  const connect = () =>
    pool.connect().catch((error: unknown) => {
      markDatabaseFault(error)
      throw error
    })
  return new Kysely<Tables>({
    dialect: new PostgresDialect({ pool: { options: pool.options, connect, end: () => pool.end() } }),
    log: event => {
      if (event.level === 'error') markDatabaseFault(event.error)
    },
  })
}

/**
 * Throws when the database was written by a newer program, or a step fails (which then leaves no trace).
 * @param steps Only a test gives others.
 */
export async function migrate(db: Database, steps: Record<string, Migration> = migrations): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => steps } })
  const unknown = (await appliedMigrations(db)).filter(name => !(name in steps))
  if (unknown.length > 0) {
    throw new Error(
      `the database is newer than this program: it has ${unknown.join(', ')}. Install the newer RustyMail`,
    )
  }
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
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
