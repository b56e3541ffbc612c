/** Adds the session of work in which a message was submitted, and an index of the senders of waiting messages. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('submissions').addColumn('session', 'text').execute()
  await db.schema
    .createIndex('submissions_waiting')
    .on('submissions')
    .columns(['principal_id', 'account_id', 'principal_kind', 'user_id'])
    .where(sql.ref('due_at'), 'is not', null)
    .execute()
}
