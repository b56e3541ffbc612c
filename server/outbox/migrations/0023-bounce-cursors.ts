/** Adds how far the new mail of each account was searched for bounces. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('bounce_cursors')
    .addColumn('account_id', 'text', column => column.primaryKey().references('accounts.id').onDelete('cascade'))
    .addColumn('number', 'bigint', column => column.notNull())
    .execute()
}
