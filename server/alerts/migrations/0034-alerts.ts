/** Alerts: rules, raised alerts, and silences. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('alert_rules')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('rule', 'text', column => column.notNull())
    .addColumn('is_starter', 'integer', column => column.notNull())
    // A deleted starter rule stays known, so that it is not created again.
    .addColumn('is_deleted', 'integer', column => column.notNull())
    .addColumn('changed_at', 'text', column => column.notNull())
    .addColumn('changed_by', 'text')
    .execute()
  await db.schema
    .createTable('alerts')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('rule_id', 'text', column => column.notNull())
    .addColumn('instance', 'text', column => column.notNull())
    .addColumn('series', 'text', column => column.notNull())
    .addColumn('account_id', 'text')
    .addColumn('name', 'text', column => column.notNull())
    .addColumn('severity', 'text', column => column.notNull())
    .addColumn('words', 'text', column => column.notNull())
    .addColumn('state', 'text', column => column.notNull())
    .addColumn('value', 'double precision')
    .addColumn('since', 'bigint', column => column.notNull())
    .addColumn('raised_at', 'bigint')
    .addColumn('good_since', 'bigint')
    .addColumn('no_data_since', 'bigint')
    .addColumn('cleared_at', 'bigint')
    .addColumn('is_quiet', 'integer', column => column.notNull())
    .addColumn('acknowledged_at', 'text')
    .addColumn('acknowledged_by', 'text')
    .execute()
  await db.schema.createIndex('alerts_state').on('alerts').columns(['state', 'id']).execute()
  await db.schema
    .createTable('alert_silences')
    .addColumn('rule_id', 'text', column => column.notNull())
    .addColumn('instance', 'text', column => column.notNull())
    .addColumn('until', 'text', column => column.notNull())
    .addColumn('silenced_by', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('alert_silences_key', ['rule_id', 'instance'])
    .execute()
}
