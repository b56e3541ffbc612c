/** Adds the default sender of an account and how its sent mail is copied; null keeps the earlier behaviour. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ['default_from', 'sent_copy', 'sent_folder']) {
    await db.schema.alterTable('signatures').addColumn(column, 'text').execute()
  }
}
