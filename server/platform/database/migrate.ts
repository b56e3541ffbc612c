/** Migrates the tables of a database: forward only, in a transaction. */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Database } from './database.ts'

/** Migrations by name, in order. */
export type Migrations = Readonly<Record<string, Migration>>

/** Combines the migrations of several features into one step. */
export function together(...steps: Migration[]): Migration {
  return {
    up: async (db: Kysely<unknown>) => {
      for (const step of steps) await step.up(db)
    },
  }
}

/**
 * Runs pending migrations. Throws if the database was written by a newer program, or a step fails (and is rolled back).
 * @param onPending Called with the steps to run on an existing database, which may take a while; not for a new one.
 */
export async function migrate(
  db: Database,
  steps: Migrations,
  onPending: (names: readonly string[]) => void = () => undefined,
): Promise<void> {
  // Branches take numbers in advance, so a step may be merged after one with a higher number has run somewhere.
  const provider = { getMigrations: async () => steps }
  const migrator = new Migrator({ db, provider, allowUnorderedMigrations: true })
  const isNew = (await appliedMigrations(db)).length === 0
  const pending = await pendingMigrations(db, steps)
  if (!isNew && pending.length > 0) onPending(pending)
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

/** Returns the steps that `migrate` would run. @throws Error if the database was written by a newer program */
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
