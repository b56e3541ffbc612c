/** Brings the tables of a database up to date: forward only, in a transaction. */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Database } from './database.ts'

/** By name, in order. */
export type Migrations = Readonly<Record<string, Migration>>

/** What several features do in one step, one after the other. */
export function together(...steps: Migration[]): Migration {
  return {
    up: async (db: Kysely<unknown>) => {
      for (const step of steps) await step.up(db)
    },
  }
}

/**
 * Throws when the database was written by a newer program, or a step fails (which then leaves no trace).
 * @param onPending Hears which steps are taken now on a database that has data, which may take a while; a new one has none.
 */
export async function migrate(
  db: Database,
  steps: Migrations,
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
export async function pendingMigrations(db: Database, steps: Migrations): Promise<string[]> {
  const applied = await appliedMigrations(db)
  const unknown = applied.filter(name => !(name in steps))
  if (unknown.length > 0) {
    throw new Error(
      `the database is newer than this program: it has ${unknown.join(', ')}. Install the newer RustyMail`,
    )
  }
  return Object.keys(steps).filter(name => !applied.includes(name))
}

async function appliedMigrations(db: Database): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(table => table.name === 'kysely_migration')) return []
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db)
  return rows.map(row => row.name)
}
