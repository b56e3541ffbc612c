/** Full-text search on SQLite: contentless FTS5, one table per time bucket. One file holds one account. */
import { CompiledQuery, sql } from 'kysely'
import {
  asciiOf,
  bucketOf,
  byBucket,
  type FullText,
  type Hits,
  type TextMatch,
  type TextRow,
  textFields,
} from './full-text.ts'
import type { IndexDatabase } from './index-tables.ts'

const bucketTables = CompiledQuery.raw(
  `select name from sqlite_schema where type = 'table' and sql like 'create virtual table%'`,
) as CompiledQuery<{ name: string }>

/** Upper bound on pages that one call of `tidy` merges, which takes some milliseconds. */
const pagesAtOnce = 500

/** One free page in this many makes `shrink` vacuum again. */
const freeShare = 8

export class SqliteFullText implements FullText {
  async create(): Promise<void> {
    // A bucket's table is created with its first message.
  }

  async put(db: IndexDatabase, _account: number, rows: readonly TextRow[]): Promise<void> {
    for (const [bucket, members] of byBucket(rows, ({ rowid }) => rowid)) {
      await this.#makeBucket(db, bucket)
      const marks = textFields.map(() => '?').join(', ')
      const query = CompiledQuery.raw(
        `insert or replace into ${tableOf(bucket)} (rowid, ${textFields.map(quoted).join(', ')}) values (?, ${marks})`,
      )
      // FTS5 flushes its in-memory data to a new segment whenever a row id is below the previous one.
      const sorted = members.toSorted((one, other) => one.rowid - other.rowid)
      // One row per statement: FTS5 also flushes before a statement with several rows.
      await db.getExecutor().provideConnection(async connection => {
        for (const row of sorted) {
          const parameters = [row.rowid, ...textFields.map(field => asciiOf(row, field))]
          await connection.executeQuery({ ...query, parameters })
        }
      })
    }
  }

  async remove(db: IndexDatabase, _account: number, rowids: readonly number[]): Promise<void> {
    const known = new Set(await this.buckets(db))
    for (const rowid of rowids) {
      const bucket = bucketOf(rowid)
      if (known.has(bucket)) await sql`delete from ${sql.id(tableOf(bucket))} where rowid = ${rowid}`.execute(db)
    }
  }

  async tidy(db: IndexDatabase): Promise<boolean> {
    let left = pagesAtOnce
    const buckets = await this.buckets(db)
    const newest = Math.max(...buckets)
    for (const bucket of buckets) {
      const table = sql.id(tableOf(bucket))
      // New mail goes to the newest bucket only. The others are merged into one segment, which is faster to search and
      // 6 % smaller.
      const isWhole = bucket !== newest
      if (isWhole && (await segmentsOf(db, bucket)) <= 1) continue
      const { rows } = await sql<{ before: number }>`select total_changes() as before`.execute(db)
      const pages = sql.lit(isWhole ? -left : left)
      await sql`insert into ${table} (${table}, rank) values ('merge', ${pages})`.execute(db)
      const changed = await sql<{ after: number }>`select total_changes() as after`.execute(db)
      // One change is counted for the statement itself (https://sqlite.org/fts5.html, section 6.8).
      left -= Math.max(changed.rows[0]!.after - rows[0]!.before - 1, 0)
      if (left <= 0) return true
    }
    return false
  }

  async shrink(db: IndexDatabase, _account: number, isFresh: boolean): Promise<void> {
    if (!isFresh && !(await hasMuchFree(db))) return
    for (const bucket of await this.buckets(db)) {
      const table = sql.id(tableOf(bucket))
      await sql`insert into ${table} (${table}) values ('optimize')`.execute(db)
    }
    await sql`vacuum`.execute(db)
  }

  async buckets(db: IndexDatabase): Promise<number[]> {
    const { rows } = await db.executeQuery(bucketTables)
    return rows.flatMap(({ name }) => {
      const [, bucket] = /^texts_(\d+)$/.exec(name) ?? []
      return bucket === undefined ? [] : [Number(bucket)]
    })
  }

  async reclaim(): Promise<void> {
    // SQLite reuses free pages automatically.
  }

  async drop(): Promise<void> {
    // Removed with the account's file.
  }

  async hits(_db: IndexDatabase, _account: number, [bucket]: readonly number[]): Promise<Hits> {
    const table = sql.id(tableOf(bucket!))
    return {
      table: match => sql`select rowid from ${table} where ${table} match ${expressionOf(match)}`,
      rows: () => undefined,
    }
  }

  /**
   * Creates a bucket's table. The `ascii` tokenizer splits our tokens at blanks only, and has no letter tables that
   * could differ from ours.
   */
  async #makeBucket(db: IndexDatabase, bucket: number): Promise<void> {
    const table = tableOf(bucket)
    const { rows } = await sql`select 1 from sqlite_schema where name = ${table}`.execute(db)
    if (rows.length > 0) return
    await sql`create virtual table ${sql.id(table)} using fts5(${columns}, content='', contentless_delete=1, tokenize='ascii')`.execute(
      db,
    )
    // A first sync replaces every row once its text arrives: FTS5's default `deletemerge` of 10 % would merge over and
    // over.
    // Values are literals: node:sqlite binds numbers as reals, which FTS5 rejects here.
    for (const [name, value] of Object.entries({ automerge: 16, deletemerge: 50, crisismerge: 32 })) {
      await sql`insert into ${sql.id(table)} (${sql.id(table)}, rank) values (${name}, ${sql.lit(value)})`.execute(db)
    }
  }
}

/** Returns whether much of the file is free pages, left by a removal that was not followed by a vacuum. */
async function hasMuchFree(db: IndexDatabase): Promise<boolean> {
  const { rows } = await sql<{ free: number; pages: number }>`
    select freelist_count as free, page_count as pages from pragma_freelist_count, pragma_page_count`.execute(db)
  const { free, pages } = rows[0]!
  return free * freeShare > pages
}

async function segmentsOf(db: IndexDatabase, bucket: number): Promise<number> {
  const { rows } = await sql<{ segments: number }>`
    select count(distinct segid) as segments from ${sql.id(`${tableOf(bucket)}_idx`)}`.execute(db)
  return rows[0]!.segments
}

const tableOf = (bucket: number) => `texts_${bucket}`
const quoted = (name: string) => `"${name}"`
const columns = sql.join(textFields.map(field => sql.id(field)))

/** Returns the FTS5 expression; words are letters and digits, so quoting them is safe. */
export function expressionOf(match: TextMatch): string {
  if (match.kind !== 'phrase')
    return `(${match.matches.map(expressionOf).join(match.kind === 'and' ? ' AND ' : ' OR ')})`
  const { words, isPrefix } = match.phrase
  const phrase = `"${words.join(' ')}"${isPrefix ? ' *' : ''}`
  return match.fields.length === textFields.length ? phrase : `{${match.fields.join(' ')}} : ${phrase}`
}
