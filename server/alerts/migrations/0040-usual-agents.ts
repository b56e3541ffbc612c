/** The fixed bound of calls of agents gives way to what is usual for each, unless it was changed. */
import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`update alert_rules set is_deleted = 1 where id = 'starter-agent-busy' and changed_by is null`.execute(db)
}
