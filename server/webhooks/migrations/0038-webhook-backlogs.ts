/** What waits of one account at an endpoint that keeps order for each account alone. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('webhook_backlogs')
    .addColumn('endpoint_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull())
    // Everything of the account up to it was taken, or given up.
    .addColumn('place', 'bigint', column => column.notNull())
    .addColumn('failing_since', 'text')
    .addColumn('failures', 'integer', column => column.notNull().defaultTo(0))
    .addColumn('next_try_at', 'text')
    .addColumn('last_success_at', 'text')
    .addColumn('last_fault', 'text')
    .addPrimaryKeyConstraint('webhook_backlogs_key', ['endpoint_id', 'account_id'])
    .execute()
}
