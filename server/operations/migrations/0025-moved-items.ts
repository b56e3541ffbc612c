/** Messages are followed by their places only through moves that are done: those alone are found by them. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('operation_items_place').execute()
  // What is taken in, done to flags or deleted is not written to it.
  await db.schema
    .createIndex('operation_items_moved')
    .on('operation_items')
    .columns(['account_id', 'path', 'uid_validity', 'uid'])
    .where('after_uid' as never, 'is not', null)
    .execute()
}
