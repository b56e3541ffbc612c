/** Replaces the fixed bound of agents' calls by what is usual for each, unless a user changed it. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`update alert_rules set is_deleted = 1 where id = 'starter-agent-busy' and changed_by is null`.execute(db)
}
