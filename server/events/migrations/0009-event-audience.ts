/** Adds indexes to find the facts of an account or type without scanning all others. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('events_account_type').on('events').columns(['account_id', 'type', 'number']).execute()
  await db.schema.createIndex('events_type').on('events').columns(['type', 'number']).execute()
}
