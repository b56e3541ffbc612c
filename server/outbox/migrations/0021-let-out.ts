/**
 * Adds why a message was let out without an approval; when that has changed, the message is judged again before it
 * leaves.
 */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  // JSON; null for messages that users send or a human approves.
  await db.schema.alterTable('submissions').addColumn('let_out', 'text').execute()
}
