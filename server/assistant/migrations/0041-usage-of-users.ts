/** Deletes spending with its user: rows of deleted users now, later ones by a foreign key. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('assistant_usage')
    .addColumn('user_id', 'text', column => column.references('users.id').onDelete('cascade'))
    .execute()
  await sql`update assistant_usage set user_id = (select id from users where assistant_usage.owner = 'user-' || id)
    where owner like 'user-%'`.execute(db)
  await sql`update assistant_usage set user_id = (select user_id from api_tokens where assistant_usage.owner = 'token-' || id)
    where owner like 'token-%'`.execute(db)
  await sql`delete from assistant_usage where user_id is null and (owner like 'user-%' or owner like 'token-%')`.execute(
    db,
  )
}
