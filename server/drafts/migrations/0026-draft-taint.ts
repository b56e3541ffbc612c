/** Whose words may be in a draft: how long before it was written its writer had read mail of a stranger. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // Of those that are there already it is not known: they count as if they repeated a stranger.
  await db.schema
    .alterTable('drafts')
    .addColumn('taint_ms', 'integer', column => column.defaultTo(0))
    .execute()
}
