/** Finds the facts of an account, or of a type, without a walk over all the others. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('events_account_type').on('events').columns(['account_id', 'type', 'number']).execute()
  await db.schema.createIndex('events_type').on('events').columns(['type', 'number']).execute()
}
