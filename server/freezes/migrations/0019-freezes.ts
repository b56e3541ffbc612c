/** Adds freezes, active and lifted. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('freezes')
    .addColumn('id', 'text', column => column.primaryKey())
    .addColumn('target', 'text', column => column.notNull())
    // No foreign keys: a freeze stays known after its token or account is deleted.
    .addColumn('principal_id', 'text')
    .addColumn('account_id', 'text')
    .addColumn('reads', 'text', column => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('by_kind', 'text', column => column.notNull())
    .addColumn('by_id', 'text', column => column.notNull())
    .addColumn('by_name', 'text', column => column.notNull())
    .addColumn('at', 'text', column => column.notNull())
    .addColumn('lifted_at', 'text')
    .addColumn('lifted_by_kind', 'text')
    .addColumn('lifted_by_id', 'text')
    .addColumn('lifted_by_name', 'text')
    .execute()
  await db.schema.createIndex('freezes_lifted').on('freezes').columns(['lifted_at', 'at']).execute()
}
