/** What PostgreSQL knows of the tables: counted when an account has grown, not a minute later, when a first sync may be over. */
import { sql } from 'kysely'
import type { IndexDatabase } from './index-tables.ts'

/** Of fewer messages every plan is fast. */
const fewest = 500

/**
 * Without statistics PostgreSQL takes an account for half a hundredth of a table, and reads and sorts all of it for the newest 50 threads: 130 ms
 * of 15,000 messages, and 16 with them.
 */
export async function countRows(db: IndexDatabase, before: number, after: number): Promise<void> {
  if (after < fewest || !hasDoubled(before, after)) return
  const { rows } = await sql<{ known: number }>`
    select reltuples as known from pg_class where oid = to_regclass('messages')`.execute(db)
  // Other accounts, or PostgreSQL by itself, were first.
  if ((rows[0]?.known ?? 0) * 2 > after) return
  await sql`analyze messages, places, threads, thread_links, text_blocks`.execute(db)
}

/** A power of two lies between them: so often as that an account is counted, and no more. */
function hasDoubled(before: number, after: number): boolean {
  return Math.clz32(after) < Math.clz32(before)
}
