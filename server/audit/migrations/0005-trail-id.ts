/** Adds to the ends of the audit trail its id, when it began, and how far the file outside the database has got. */
import type { Kysely } from 'kysely'

/** Older ends keep their seal until the next start converts them (server/audit/trail-beginning.ts). */
export async function up(db: Kysely<unknown>): Promise<void> {
  const table = db.schema.alterTable('audit_chain')
  await table.addColumn('trail_id', 'text', column => column.notNull().defaultTo('')).execute()
  await table.addColumn('begun_at', 'text', column => column.notNull().defaultTo('')).execute()
  await table.addColumn('head_number', 'bigint', column => column.notNull().defaultTo(0)).execute()
}
