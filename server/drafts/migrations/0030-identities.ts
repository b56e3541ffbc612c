/** From which address new messages of an account are, and what becomes of copies of what it sends; null as before. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ['default_from', 'sent_copy', 'sent_folder']) {
    await db.schema.alterTable('signatures').addColumn(column, 'text').execute()
  }
}
