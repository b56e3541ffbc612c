/** Adds approvals: requests for a human's approval, and their outcome. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('approvals')
    // Rises with time.
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('submission_id', 'text', column => column.notNull().unique())
    .addColumn('account_id', 'text', column => column.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('principal_kind', 'text', column => column.notNull())
    .addColumn('principal_id', 'text', column => column.notNull())
    .addColumn('principal_name', 'text', column => column.notNull())
    .addColumn('user_id', 'text')
    .addColumn('hash', 'text', column => column.notNull())
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('judged', 'text', column => column.notNull())
    .addColumn('findings', 'text', column => column.notNull())
    .addColumn('message', 'text')
    .addColumn('group_key', 'text', column => column.notNull())
    .addColumn('needed', 'integer', column => column.notNull())
    .addColumn('decisions', 'text', column => column.notNull())
    .addColumn('created_at', 'text', column => column.notNull())
    .addColumn('expires_at', 'text', column => column.notNull())
    .execute()
  await db.schema.createIndex('approvals_state').on('approvals').columns(['state', 'id']).execute()
}
