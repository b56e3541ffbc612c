/** Notifiers, their pending notices, what they know about alerts, and their attempts. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('notifiers')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('routing', 'text', column => column.notNull())
    .addColumn('target_sealed', 'text', column => column.notNull())
    .addColumn('changed_at', 'text', column => column.notNull())
    .addColumn('changed_by', 'text', column => column.notNull())
    .addColumn('noticed_at', 'bigint')
    .addColumn('failing_since', 'text')
    .addColumn('last_fault', 'text')
    .addColumn('last_success_at', 'text')
    .execute()
  await db.schema
    .createTable('notices')
    .addColumn('id', 'text', column => column.primaryKey())
    // One pending notice per notifier.
    .addColumn('notifier_id', 'text', column => column.notNull().unique())
    .addColumn('content', 'text', column => column.notNull())
    .addColumn('created_at', 'bigint', column => column.notNull())
    .addColumn('attempts', 'integer', column => column.notNull())
    .addColumn('next_try_at', 'bigint', column => column.notNull())
    .addColumn('is_refused', 'integer', column => column.notNull())
    .addColumn('is_handed_over', 'integer', column => column.notNull())
    .execute()
  await db.schema
    .createTable('notified_alerts')
    .addColumn('notifier_id', 'text', column => column.notNull())
    .addColumn('alert_id', 'text', column => column.notNull())
    .addColumn('rule_id', 'text', column => column.notNull())
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('first_at', 'bigint', column => column.notNull())
    .addColumn('told_at', 'bigint')
    .addColumn('is_escalated', 'integer', column => column.notNull())
    .addPrimaryKeyConstraint('notified_alerts_key', ['notifier_id', 'alert_id'])
    .execute()
  await db.schema
    .createTable('notifier_deliveries')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('notice_id', 'text', column => column.notNull())
    .addColumn('notifier_id', 'text', column => column.notNull())
    .addColumn('at', 'text', column => column.notNull())
    .addColumn('duration_ms', 'integer', column => column.notNull())
    .addColumn('reason', 'text', column => column.notNull())
    .addColumn('title', 'text', column => column.notNull())
    .addColumn('attempt', 'integer', column => column.notNull())
    .addColumn('outcome', 'text', column => column.notNull())
    .addColumn('status', 'integer')
    .addColumn('said', 'text', column => column.notNull())
    .execute()
  await db.schema
    .createIndex('notifier_deliveries_of')
    .on('notifier_deliveries')
    .columns(['notifier_id', 'id'])
    .execute()
}
