/**
 * Adds the interval in seconds at which all folders of an account are compared with its mail server; null for the
 * default.
 */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('accounts').addColumn('look_interval_seconds', 'integer').execute()
}
