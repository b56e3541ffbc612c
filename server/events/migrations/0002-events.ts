/** Creates the event log: facts in one dense sequence, and the counter that numbers them. */
import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'

interface Counter {
  event_counter: { id: number; epoch: string; newest: number }
}

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('events')
    .addColumn('number', 'bigint', column => column.primaryKey())
    .addColumn('type', 'text', column => column.notNull())
    .addColumn('account_id', 'text')
    .addColumn('data', 'text', column => column.notNull())
    .addColumn('at', 'text', column => column.notNull())
    .execute()
  await db.schema
    .createTable('event_counter')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('epoch', 'text', column => column.notNull())
    .addColumn('newest', 'bigint', column => column.notNull())
    .execute()
  // The epoch identifies the database, so that ids from another one are recognised.
  const counter = { id: 1, epoch: randomBytes(4).toString('hex'), newest: 0 }
  await (db as Kysely<Counter>).insertInto('event_counter').values(counter).execute()
}
