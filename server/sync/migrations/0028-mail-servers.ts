/** Facts learned of an account's mail servers: capabilities, connection limits, and the mailbox quota. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('mail_servers')
    .addColumn('account_id', 'text', column => column.primaryKey().references('accounts.id').onDelete('cascade'))
    .addColumn('imap_offers', 'text')
    .addColumn('imap_at', 'text')
    .addColumn('connection_limit', 'integer')
    .addColumn('limit_wait_ms', 'integer')
    .addColumn('limit_at', 'text')
    .addColumn('smtp_offers', 'text')
    .addColumn('smtp_at', 'text')
    .addColumn('quota', 'text')
    .addColumn('quota_at', 'text')
    .addColumn('quota_level', 'text', column => column.notNull())
    .execute()
}
