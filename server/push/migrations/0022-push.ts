/** Adds push subscriptions of browsers, and this server's key pair for them. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('push_subscriptions')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('user_id', 'text', column => column.notNull().references('users.id').onDelete('cascade'))
    // Deleted with its session: a user who signs out is no longer notified.
    .addColumn('session_id', 'text', column => column.notNull().references('sessions.id').onDelete('cascade'))
    .addColumn('endpoint', 'text', column => column.notNull().unique())
    .addColumn('p256dh', 'text', column => column.notNull())
    .addColumn('auth', 'text', column => column.notNull())
    .addColumn('details', 'text', column => column.notNull())
    .addColumn('user_agent', 'text', column => column.notNull())
    .addColumn('created_at', 'text', column => column.notNull())
    .addColumn('last_success_at', 'text')
    .addColumn('failing_since', 'text')
    .addColumn('last_fault', 'text')
    .execute()
  await db.schema.createIndex('push_subscriptions_user').on('push_subscriptions').columns(['user_id']).execute()
  await db.schema.createIndex('push_subscriptions_session').on('push_subscriptions').columns(['session_id']).execute()
  await db.schema
    .createTable('push_keys')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('public_key', 'text', column => column.notNull())
    .addColumn('private_sealed', 'text', column => column.notNull())
    .addColumn('created_at', 'text', column => column.notNull())
    .execute()
}
