/**
 * Figures over time: series, frames (all series of one step), blocks (one series of many steps), and marks of events.
 */
import { type Kysely, PostgresAdapter, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  const bytes = db.getExecutor().adapter instanceof PostgresAdapter ? ('bytea' as const) : sql`blob`
  await db.schema
    .createTable('history_series')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('key', 'text', column => column.notNull().unique())
    .execute()
  await db.schema
    .createTable('history_frames')
    .addColumn('step', 'integer', column => column.notNull())
    .addColumn('start', 'bigint', column => column.notNull())
    .addColumn('writer', 'integer', column => column.notNull())
    .addColumn('bytes', bytes, column => column.notNull())
    .addPrimaryKeyConstraint('history_frames_key', ['step', 'start', 'writer'])
    .execute()
  await db.schema
    .createTable('history_blocks')
    .addColumn('series', 'integer', column => column.notNull())
    .addColumn('step', 'integer', column => column.notNull())
    .addColumn('start', 'bigint', column => column.notNull())
    .addColumn('writer', 'integer', column => column.notNull())
    .addColumn('bytes', bytes, column => column.notNull())
    .addPrimaryKeyConstraint('history_blocks_key', ['series', 'step', 'start', 'writer'])
    .execute()
  await db.schema.createIndex('history_blocks_age').on('history_blocks').columns(['step', 'start']).execute()
  await db.schema
    .createTable('history_marks')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('at', 'bigint', column => column.notNull())
    .addColumn('kind', 'text', column => column.notNull())
    .addColumn('account_id', 'text')
    .addColumn('words', 'text', column => column.notNull())
    .execute()
  await db.schema.createIndex('history_marks_at').on('history_marks').column('at').execute()
}
