/** The table of mail accounts. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('email', 'text', column => column.notNull())
    .addColumn('imap_host', 'text', column => column.notNull())
    .addColumn('imap_port', 'integer', column => column.notNull())
    .addColumn('imap_tls', 'text', column => column.notNull())
    .addColumn('imap_user', 'text', column => column.notNull())
    .addColumn('imap_password_sealed', 'text', column => column.notNull())
    .addColumn('smtp_host', 'text')
    .addColumn('smtp_port', 'integer')
    .addColumn('smtp_tls', 'text')
    .addColumn('smtp_user', 'text')
    .addColumn('smtp_password_sealed', 'text')
    .addColumn('is_default', 'integer', column => column.notNull())
    .addColumn('is_sandbox', 'integer', column => column.notNull())
    .addColumn('enabled', 'integer', column => column.notNull())
    .addColumn('created_at', 'text', column => column.notNull())
    .addColumn('updated_at', 'text', column => column.notNull())
    .execute()
  await db.schema
    .createIndex('accounts_login')
    .unique()
    .on('accounts')
    .columns(['imap_host', 'imap_port', 'imap_user'])
    .execute()
}
