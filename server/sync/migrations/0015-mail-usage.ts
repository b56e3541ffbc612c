/** Traffic between RustyMail and an account's mail server, by day and purpose. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('mail_usage')
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('day', 'text', column => column.notNull())
    .addColumn('purpose', 'text', column => column.notNull())
    .addColumn('received', 'bigint', column => column.notNull())
    .addColumn('sent', 'bigint', column => column.notNull())
    .addColumn('connections', 'integer', column => column.notNull())
    .addColumn('most_open', 'integer', column => column.notNull())
    .addPrimaryKeyConstraint('mail_usage_key', ['account_id', 'day', 'purpose'])
    .execute()
}
