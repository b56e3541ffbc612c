/** Number of the last fact of an account's index in the event log, so that a crash between the two repeats none. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('index_facts')
    .addColumn('account_id', 'text', column => column.primaryKey().references('accounts.id').onDelete('cascade'))
    .addColumn('number', 'bigint', column => column.notNull())
    .execute()
}
