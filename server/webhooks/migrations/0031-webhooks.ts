/** Adds webhook endpoints, which receive facts by signed requests, each with its place in the event log. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('webhook_endpoints')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('principal_kind', 'text', column => column.notNull())
    .addColumn('principal_id', 'text', column => column.notNull())
    .addColumn('user_id', 'text')
    .addColumn('url', 'text', column => column.notNull())
    .addColumn('secret_sealed', 'text', column => column.notNull())
    .addColumn('previous_sealed', 'text')
    .addColumn('previous_until', 'text')
    // JSON, whose form depends on the kind.
    .addColumn('settings', 'text', column => column.notNull())
    // Number of the last fact that was accepted or given up.
    .addColumn('place', 'bigint', column => column.notNull())
    .addColumn('created_at', 'text', column => column.notNull())
    .addColumn('verified_at', 'text', column => column.notNull())
    .addColumn('expires_at', 'text')
    .addColumn('failing_since', 'text')
    .addColumn('failures', 'integer', column => column.notNull().defaultTo(0))
    .addColumn('next_try_at', 'text')
    .addColumn('last_success_at', 'text')
    .addColumn('last_fault', 'text')
    // JSON: why it has ended; only the end is still announced.
    .addColumn('ending', 'text')
    .execute()
  await db.schema
    .createIndex('webhook_endpoints_principal')
    .on('webhook_endpoints')
    .columns(['principal_id', 'url'])
    .execute()
}
