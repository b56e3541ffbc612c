/** Model providers added on the page, and the other settings of the assistant. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('assistant_providers')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('settings', 'text', column => column.notNull())
    .addColumn('key_sealed', 'text')
    .addColumn('created_at', 'text', column => column.notNull())
    .addColumn('changed_at', 'text', column => column.notNull())
    .execute()
  await db.schema
    .createTable('assistant_settings')
    .addColumn('id', 'integer', column => column.primaryKey())
    .addColumn('value', 'text', column => column.notNull())
    .addColumn('changed_at', 'text', column => column.notNull())
    .execute()
}
