/**
 * Reindexes bloated indexes of PostgreSQL concurrently. A row whose text is added later has two entries in each index,
 * and unordered inserts leave pages half empty; vacuum does not reclaim that space.
 */
import { sql } from 'kysely'
import type { IndexDatabase } from './index-tables.ts'

/** Bytes per entry including its line pointer, by index; an average for `word_pages_key`, whose entries vary. */
const entries: Readonly<Record<string, number>> = {
  messages_key: 28,
  messages_by_modseq: 28,
  messages_by_id: 28,
  messages_by_thread: 36,
  messages_by_subject: 36,
  bare_replies: 36,
  textless: 28,
  places_key: 28,
  places_by_date: 28,
  places_by_message: 36,
  places_unread: 28,
  threads_pkey: 28,
  thread_links_pkey: 28,
  links_by_thread: 28,
  word_pages_key: 68,
}

/** Range of index sizes in bytes that are rebuilt: smaller ones are not worth it, larger ones would delay orders. */
const worth = { atLeast: 512 * 1024, most: 64 * 1024 * 1024 } as const
/** Ratio to the size of a freshly built index, whose pages are filled to `full`, above which it is rebuilt. */
const tooMuch = 1.25
const full = 0.9
/** Growth factor since its last rebuild that is required for another one, whatever the estimate. */
const grown = 1.2
/** Lock timeout: REINDEX CONCURRENTLY waits for earlier transactions, at most this long. */
const longestWaitMs = 2_000
/** Pause after a failed rebuild, caused by a long transaction or lack of space. */
const pauseMs = 10 * 60_000

interface SizedIndex {
  name: string
  bytes: number
  rows: number
}

export class TightIndexes {
  readonly #atLeast: number
  readonly #waitMs: number
  /** Size of each index right after its last rebuild. */
  readonly #written = new Map<string, number>()
  #isBusy = false
  #pausedUntil = 0

  constructor({ atLeast = worth.atLeast as number, waitMs = longestWaitMs } = {}) {
    this.#atLeast = atLeast
    this.#waitMs = waitMs
  }

  /** Rebuilds one bloated index, and returns whether it did. For idle times; not inside a transaction. */
  async tighten(db: IndexDatabase): Promise<boolean> {
    if (this.#isBusy || performance.now() < this.#pausedUntil) return false
    this.#isBusy = true
    try {
      return await this.#tighten(db)
    } catch {
      // Only space is at stake: the old index stays in use.
      this.#pausedUntil = performance.now() + pauseMs
      return false
    } finally {
      this.#isBusy = false
    }
  }

  async #tighten(db: IndexDatabase): Promise<boolean> {
    const next = (await sizes(db)).find(index => this.#isLoose(index))
    if (!next) return false
    await db.connection().execute(async connection => {
      await sql.raw(`set lock_timeout = ${this.#waitMs}`).execute(connection)
      try {
        await dropUnfinished(connection)
        await sql.raw(`reindex index concurrently ${next.name}`).execute(connection)
      } finally {
        await sql.raw('reset lock_timeout').execute(connection)
      }
    })
    const written = (await sizes(db)).find(({ name }) => name === next.name)
    this.#written.set(next.name, written?.bytes ?? next.bytes)
    return true
  }

  #isLoose({ name, bytes, rows }: SizedIndex): boolean {
    if (bytes < this.#atLeast || bytes > worth.most) return false
    const needed = (rows * entries[name]!) / full
    return bytes > needed * tooMuch && bytes > (this.#written.get(name) ?? 0) * grown
  }
}

async function sizes(db: IndexDatabase): Promise<SizedIndex[]> {
  const { rows } = await sql<SizedIndex>`
    select relname as name, pg_relation_size(oid) as bytes, greatest(reltuples, 0) as rows from pg_class
    where relnamespace = (select relnamespace from pg_class where oid = to_regclass('messages')) and relkind = 'i'
      and relname = any(${`{${Object.keys(entries).join()}}`}::text[])`.execute(db)
  return rows
}

/** Drops invalid indexes left by an interrupted rebuild: they are not used, but still updated. */
async function dropUnfinished(db: IndexDatabase): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_index join pg_class on pg_class.oid = indexrelid
    where relnamespace = (select relnamespace from pg_class where oid = to_regclass('messages')) and not indisvalid`.execute(
    db,
  )
  for (const { name } of rows) await sql`drop index concurrently if exists ${sql.ref(name)}`.execute(db)
}
