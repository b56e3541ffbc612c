/** How much of an account's mail the local index holds; null for the default of the server. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('accounts').addColumn('index_level', 'text').execute()
}
