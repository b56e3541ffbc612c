/**
 * Full-text search on PostgreSQL: an inverted index of our own, with segments per bucket stored as compressed pages in
 * a table. PostgreSQL finds the pages; the searching thread decodes them and passes the matching rows back as a list.
 */
import { sql } from 'kysely'
import { preparedStatement } from './fixed-statement.ts'
import { byBucket, type FullText, type Hits, type TextMatch, type TextRow } from './full-text.ts'
import type { IndexDatabase } from './index-tables.ts'
import { RewrittenRows } from './postgres-statistics.ts'
import { rowTable } from './row-table.ts'
import { segmentsWith } from './word-pages-read.ts'
import { rowsMatching, wordsOfMatch } from './word-search.ts'
import { segmentOf } from './word-segments.ts'
import { baseOf, countDead, headsOf, merge, wordTables, write } from './word-store.ts'
import { together, toRewrite, whole } from './word-tiers.ts'

/** Key of the advisory lock for writing, used with the account's number; an arbitrary number that nothing else uses. */
const writingLock = 5_712_042

/**
 * Bytes removed by merges, and at least one `share`-th of the table, before it is vacuumed: autovacuum's once a minute
 * is too late for a first sync.
 */
const worthReclaiming = { bytes: 1024 * 1024, share: 32 } as const

const sizesOf = preparedStatement<{ bucket: number; size: number }>(
  'select bucket, sum(size) as size from word_pages where account = $1 and size is not null group by bucket',
)

/** Buckets remembered as written, for all accounts; further ones are not noted until they are written again. */
const mostNoted = 10_000

export class PostgresFullText implements FullText {
  readonly #worth: number
  readonly #rows = new RewrittenRows()
  /** Bytes removed since the table was last vacuumed. */
  #removed = 0
  /** Buckets that were written and may hold many dead rows. */
  readonly #written = new Map<string, { account: number; bucket: number }>()

  constructor({ worth = worthReclaiming.bytes } = {}) {
    this.#worth = worth
  }

  async create(db: IndexDatabase): Promise<void> {
    for (const statement of wordTables) await sql.raw(statement).execute(db)
  }

  async put(db: IndexDatabase, account: number, rows: readonly TextRow[]): Promise<void> {
    if (rows.length === 0) return
    await lock(db, account)
    for (const [bucket, members] of byBucket(rows, ({ rowid }) => rowid)) {
      this.#removed += await write({ db, account, bucket }, segmentOf(members, baseOf(bucket)))
      this.#note(account, bucket)
    }
  }

  async remove(db: IndexDatabase, account: number, rowids: readonly number[]): Promise<void> {
    if (rowids.length === 0) return
    await lock(db, account)
    for (const [bucket, members] of byBucket(rowids, rowid => rowid)) {
      const gone = members.toSorted((one, other) => one - other)
      this.#removed += await write({ db, account, bucket }, { rows: [], gone, entries: [] })
      this.#note(account, bucket)
    }
  }

  #note(account: number, bucket: number): void {
    const key = `${account} ${bucket}`
    // A bucket not noted now is noted with its next message.
    if (this.#written.size < mostNoted) this.#written.set(key, { account, bucket })
  }

  async tidy(db: IndexDatabase): Promise<boolean> {
    return (await this.#mergeNewest(db)) || (await this.#rewriteDead(db))
  }

  /** Merges the segments added to one bucket since its last merge, once they are worth it. */
  async #mergeNewest(db: IndexDatabase): Promise<boolean> {
    const { rows } = await sql<{ account: number; bucket: number }>`
      select account, bucket from word_pages one where size < ${whole} and not exists (select 1 from word_pages other
        where other.account = one.account and other.bucket = one.bucket and other.segment > one.segment and other.size >= ${whole})
      group by account, bucket having count(*) > 1 and (sum(size) - max(size)) * 8 >= max(size) limit 2`.execute(db)
    const [next] = rows
    if (!next) return false
    if (!(await isFree(db, next.account))) return false
    const of = { db, ...next }
    const heads = await headsOf(of)
    this.#removed += await merge(of, heads, together(heads.slice(heads.findLastIndex(({ size }) => size >= whole) + 1)))
    return rows.length > 1
  }

  /** Rewrites large segments, which are never merged otherwise, if many of their messages were replaced or removed. */
  async #rewriteDead(db: IndexDatabase): Promise<boolean> {
    const [first] = this.#written
    if (!first) return false
    const [key, next] = first
    this.#written.delete(key)
    if (!(await isFree(db, next.account))) return this.#written.size > 0
    const of = { db, ...next }
    const heads = await headsOf(of)
    const group = heads.length > 1 ? toRewrite(await countDead(of, heads)) : []
    if (group.length > 0) {
      this.#removed += await merge(of, heads, group)
      this.#written.set(key, next)
    }
    return this.#written.size > 0
  }

  /** Rewrites pages so that none holds removed messages. Autovacuum makes the space reusable. */
  async shrink(db: IndexDatabase, account: number): Promise<void> {
    for (const bucket of await this.buckets(db, account)) {
      await db.transaction().execute(async transaction => {
        await lock(transaction, account)
        const of = { db: transaction, account, bucket }
        const heads = await headsOf(of)
        const counted = await countDead(of, heads)
        for (let from = 0; from < counted.length; ) {
          const group = together(counted.slice(from))
          if (group.some(({ rows, dead }) => rows === 0 || dead > 0)) this.#removed += await merge(of, heads, group)
          from += group.length
        }
      })
    }
  }

  async reclaim(db: IndexDatabase, texts = 0): Promise<void> {
    await this.#rows.reclaim(db, texts)
    if (this.#removed < this.#worth) return
    const { rows } = await sql<{ bytes: number }>`select pg_table_size('word_pages'::regclass) as bytes`.execute(db)
    if (this.#removed * worthReclaiming.share < (rows[0]?.bytes ?? 0)) return
    this.#removed = 0
    // Truncating the file would have to wait for searches.
    await sql.raw('vacuum (skip_locked, truncate false) word_pages').execute(db)
  }

  async drop(db: IndexDatabase, account: number): Promise<void> {
    // Otherwise a merge in progress would write its result after the delete.
    await lock(db, account)
    await sql`delete from word_pages where account = ${account}`.execute(db)
  }

  async buckets(db: IndexDatabase, account: number): Promise<number[]> {
    return [...(await this.sizes(db, account)).keys()]
  }

  async sizes(db: IndexDatabase, account: number): Promise<ReadonlyMap<number, number>> {
    return new Map((await sizesOf(db, account)).map(({ bucket, size }) => [bucket, size]))
  }

  async hits(
    db: IndexDatabase,
    account: number,
    buckets: readonly number[],
    matches: readonly TextMatch[],
  ): Promise<Hits> {
    const segments = await segmentsWith({ db, account }, buckets, matches.flatMap(wordsOfMatch))
    const inOrder = buckets.toSorted((one, other) => other - one)
    const found = new Map(
      matches.map(match => [
        match,
        inOrder.flatMap(bucket => rowsMatching(segments.get(bucket) ?? [], match, baseOf(bucket))),
      ]),
    )
    const rows = (match: TextMatch) => found.get(match) ?? []
    const pages = [...segments.values()].flat().flatMap(segment => segment.pages)
    return {
      rows,
      bytes: pages.reduce((sum, { page }) => sum + page.length, 0),
      table: (match, [from, end]) => rowTable(rows(match).filter(row => row >= from && row < end)),
    }
  }
}

async function isFree(db: IndexDatabase, account: number): Promise<boolean> {
  const { rows } = await sql<{ is: boolean }>`
    select pg_try_advisory_xact_lock(${writingLock}, ${account}) as is`.execute(db)
  return rows[0]?.is === true
}

/** Locks the words of the account against other writes and merges until the transaction ends. */
async function lock(db: IndexDatabase, account: number): Promise<void> {
  await sql`select pg_advisory_xact_lock(${writingLock}, ${account})`.execute(db)
}
