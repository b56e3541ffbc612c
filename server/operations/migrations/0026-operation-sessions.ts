/** Adds the work session in which an operation was requested. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('operations').addColumn('session', 'text').execute()
  await db.schema
    .createIndex('operations_session')
    .on('operations')
    .columns(['principal_id', 'session', 'id'])
    .execute()
}
