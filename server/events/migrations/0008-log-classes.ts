/** Adds a retention class to facts, and to the counter the number from which the log is complete. */
import { type Kysely, sql } from 'kysely'

interface Log {
  events: { number: number; type: string; is_administrative: number }
  event_counter: { newest: number; oldest: number }
}

/** Administrative types as of this migration. */
const administrative = [
  'server_started',
  'configuration_updated',
  'account_added',
  'account_updated',
  'account_removed',
  'alert_raised',
  'alert_cleared',
  'token_created',
  'token_updated',
  'token_revoked',
  'user_added',
  'user_updated',
  'user_removed',
]

export async function up(db: Kysely<unknown>): Promise<void> {
  const log = db as Kysely<Log>
  await db.schema
    .alterTable('events')
    .addColumn('is_administrative', 'integer', column => column.notNull().defaultTo(0))
    .execute()
  await log.updateTable('events').set({ is_administrative: 1 }).where('type', 'in', administrative).execute()
  // A partial index of few rows, so that facts about mail cost no more than before.
  await (db as Kysely<Log>).schema
    .createIndex('events_administrative')
    .on('events')
    .column('number')
    .where(sql.ref('is_administrative'), '=', 1)
    .execute()
  await db.schema
    .alterTable('event_counter')
    .addColumn('oldest', 'bigint', column => column.notNull().defaultTo(1))
    .execute()
  await log
    .updateTable('event_counter')
    .set({ oldest: sql<number>`coalesce((select min(number) from events), newest + 1)` })
    .execute()
}
