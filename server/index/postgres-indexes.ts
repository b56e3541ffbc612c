/**
 * Indexes of PostgreSQL that take more room than their entries need are written again, beside all else that is done. A row of which the text comes
 * later has two entries in each of them, and what comes in no order leaves pages half empty; no vacuum gives that back.
 */
import { sql } from 'kysely'
import type { IndexDatabase } from './index-tables.ts'

/** Bytes of an entry with its place in the page; of words, whose entries differ, about. */
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

/** Bytes of an index: less is not missed, and more takes so long that an order would wait for it. */
const worth = { atLeast: 512 * 1024, most: 64 * 1024 * 1024 } as const
/** Of the room that its entries need where it was written at once, when each page is full to nine tenths. */
const tooMuch = 1.25
const full = 0.9
/** How much it has to grow until it is written again, whatever it seems to need. */
const grown = 1.2
/** It waits for transactions that began before, and so long at most. */
const longestWaitMs = 2_000
/** After one that failed: a transaction of somebody else lasts long, or there is no room. */
const pauseMs = 10 * 60_000

interface SizedIndex {
  name: string
  bytes: number
  rows: number
}

export class TightIndexes {
  readonly #atLeast: number
  readonly #waitMs: number
  /** Bytes right after it was written. */
  readonly #written = new Map<string, number>()
  #isBusy = false
  #pausedUntil = 0

  constructor({ atLeast = worth.atLeast as number, waitMs = longestWaitMs } = {}) {
    this.#atLeast = atLeast
    this.#waitMs = waitMs
  }

  /** Writes one of them, and says whether it did. For idle times, and not in a transaction. */
  async tighten(db: IndexDatabase): Promise<boolean> {
    if (this.#isBusy || performance.now() < this.#pausedUntil) return false
    this.#isBusy = true
    try {
      return await this.#tighten(db)
    } catch {
      // It is for room alone; the index that was there is still there.
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

/** What an interrupted time left behind: an index that is not used, and yet written. */
async function dropUnfinished(db: IndexDatabase): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_index join pg_class on pg_class.oid = indexrelid
    where relnamespace = (select relnamespace from pg_class where oid = to_regclass('messages')) and not indisvalid`.execute(
    db,
  )
  for (const { name } of rows) await sql`drop index concurrently if exists ${sql.ref(name)}`.execute(db)
}
