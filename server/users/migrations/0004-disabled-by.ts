/** Adds who disabled a user: existing ones were disabled by administrators, since nobody else could. */
import type { Kysely } from 'kysely'

interface Before {
  users: { disabled: number; disabled_by: string | null }
}

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('users').addColumn('disabled_by', 'text').execute()
  await (db as Kysely<Before>)
    .updateTable('users')
    .set({ disabled_by: 'administrator' })
    .where('disabled', '=', 1)
    .execute()
}
