/** What PostgreSQL knows of the tables: counted when an account has grown, not a minute later, when a first sync may be over. */
import { sql } from 'kysely'
import type { IndexDatabase } from './index-tables.ts'

/** Of fewer messages every plan is fast. */
const fewest = 500
/** Rows; the room of fewer is not missed. */
const fewestRewritten = 2_000

/**
 * Without statistics PostgreSQL takes an account for half a hundredth of a table, and reads and sorts all of it for the newest 50 threads: 130 ms
 * of 15,000 messages, and 16 with them.
 */
export async function countRows(db: IndexDatabase, before: number, after: number): Promise<void> {
  if (after < fewest || !hasDoubled(before, after)) return
  // Other accounts, or PostgreSQL by itself, were first.
  if ((await knownMessages(db)) * 2 > after) return
  await sql`analyze messages, places, threads, thread_links, text_blocks`.execute(db)
}

/** Rows that are written again leave room to those that follow once a table is vacuumed: autovacuum comes once a minute, when most of a first sync may be over. */
export class RewrittenRows {
  #since = 0

  /** Vacuums what grows with messages, after an eighth of them. Its cost for each message is the same, however many there are. */
  async reclaim(db: IndexDatabase, rewritten: number): Promise<void> {
    this.#since += rewritten
    if (this.#since < fewestRewritten || this.#since * 8 < (await knownMessages(db))) return
    this.#since = 0
    await sql.raw('vacuum (skip_locked, truncate false) messages, text_blocks, envelope_blocks').execute(db)
  }
}

async function knownMessages(db: IndexDatabase): Promise<number> {
  const { rows } = await sql<{ known: number }>`
    select reltuples as known from pg_class where oid = to_regclass('messages')`.execute(db)
  return rows[0]?.known ?? 0
}

/** A power of two lies between them: so often as that an account is counted, and no more. */
function hasDoubled(before: number, after: number): boolean {
  return Math.clz32(after) < Math.clz32(before)
}
