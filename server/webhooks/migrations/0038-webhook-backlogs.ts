/** Adds backlogs: waiting facts of one account, at endpoints that keep order per account. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('webhook_backlogs')
    .addColumn('endpoint_id', 'text', column => column.notNull())
    .addColumn('account_id', 'text', column => column.notNull())
    // Everything of the account up to this number was accepted or given up.
    .addColumn('place', 'bigint', column => column.notNull())
    .addColumn('failing_since', 'text')
    .addColumn('failures', 'integer', column => column.notNull().defaultTo(0))
    .addColumn('next_try_at', 'text')
    .addColumn('last_success_at', 'text')
    .addColumn('last_fault', 'text')
    .addPrimaryKeyConstraint('webhook_backlogs_key', ['endpoint_id', 'account_id'])
    .execute()
}
