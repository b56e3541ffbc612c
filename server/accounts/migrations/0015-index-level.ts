/**
 * Adds how much of an account's mail the local index holds, null for the server's default, and the folders watched
 * beside INBOX, as JSON.
 */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('accounts').addColumn('index_level', 'text').execute()
  await db.schema.alterTable('accounts').addColumn('watched_folders', 'text').execute()
}
