/** Limits the index by place to completed moves, since messages are followed only through those. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('operation_items_place').execute()
  // A partial index: new items, flag changes and deletions are not written to it.
  await db.schema
    .createIndex('operation_items_moved')
    .on('operation_items')
    .columns(['account_id', 'path', 'uid_validity', 'uid'])
    .where('after_uid' as never, 'is not', null)
    .execute()
}
