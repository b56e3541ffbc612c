/** The audit trail. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit_entries')
    .addColumn('number', 'bigint', column => column.primaryKey())
    .addColumn('at', 'text', column => column.notNull())
    .addColumn('principal_id', 'text', column => column.notNull())
    .addColumn('principal_name', 'text', column => column.notNull())
    .addColumn('user_id', 'text')
    .addColumn('session_id', 'text')
    .addColumn('token_id', 'text')
    .addColumn('ip_address', 'text', column => column.notNull())
    .addColumn('user_agent', 'text', column => column.notNull())
    .addColumn('operation', 'text', column => column.notNull())
    .addColumn('effect', 'text', column => column.notNull())
    .addColumn('account_id', 'text')
    .addColumn('refs', 'text', column => column.notNull())
    .addColumn('input_digest', 'text')
    .addColumn('outcome', 'text', column => column.notNull())
    .addColumn('status', 'integer', column => column.notNull())
    .addColumn('duration_ms', 'real', column => column.notNull())
    .addColumn('request_id', 'text', column => column.notNull())
    .addColumn('hash', 'text', column => column.notNull())
    .execute()
  await db.schema.createIndex('audit_entries_at').on('audit_entries').column('at').execute()
  // The end of the chain, and where it begins after pruning: otherwise the newest entries could be cut off unnoticed.
  await db.schema
    .createTable('audit_chain')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('newest', 'bigint', column => column.notNull())
    .addColumn('newest_hash', 'text', column => column.notNull())
    .addColumn('forgotten_to', 'bigint', column => column.notNull())
    .addColumn('forgotten_hash', 'text', column => column.notNull())
    .addColumn('seal', 'text', column => column.notNull())
    .execute()
}
