/** Adds the taint of drafts: how long before writing it the writer had read a stranger's mail. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // The taint of existing drafts is unknown: they count as if they quoted a stranger.
  await db.schema
    .alterTable('drafts')
    .addColumn('taint_ms', 'integer', column => column.defaultTo(0))
    .execute()
}
