/**
 * Who invited, reset or raised which user, so that these can be ended together with the token or person that did it.
 */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('made_users')
    // `token-…`, `user-…` or `api-key`. No foreign key, since the record outlives its maker.
    .addColumn('maker', 'text', column => column.notNull())
    .addColumn('maker_user_id', 'text')
    .addColumn('deed', 'text', column => column.notNull())
    .addColumn('user_id', 'text', column => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('at', 'text', column => column.notNull())
    .addPrimaryKeyConstraint('made_users_key', ['user_id', 'maker', 'deed'])
    .execute()
  await db.schema.createIndex('made_users_maker').on('made_users').column('maker').execute()
  await db.schema.createIndex('made_users_maker_user').on('made_users').column('maker_user_id').execute()
}
