/** Positions in watched folders, so that mail which arrives during a downtime is announced after it. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('folder_states')
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('path', 'text', column => column.notNull())
    // Login and server: under another one it is another folder, whatever its UIDVALIDITY.
    .addColumn('mailbox', 'text', column => column.notNull())
    // Both go up to 2^32 - 1 (RFC 9051, section 2.3.1.1).
    .addColumn('uid_validity', 'bigint', column => column.notNull())
    .addColumn('uid_next', 'bigint', column => column.notNull())
    .addColumn('updated_at', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('folder_states_key', ['account_id', 'path'])
    .execute()
}
