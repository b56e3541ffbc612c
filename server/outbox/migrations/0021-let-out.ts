/** By what a message was let out without an approval: it is judged again before it leaves when that has changed. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // JSON; null for what users send, and for what a human approves.
  await db.schema.alterTable('submissions').addColumn('let_out', 'text').execute()
}
