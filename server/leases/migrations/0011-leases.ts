/** Leases: which process runs which loop. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('leases')
    .addColumn('name', 'text', column => column.primaryKey())
    .addColumn('holder', 'text')
    .addColumn('token', 'integer', column => column.notNull())
    .addColumn('held_until', 'double precision', column => column.notNull())
    .execute()
  await db.schema.createIndex('leases_holder').on('leases').column('holder').execute()
}
