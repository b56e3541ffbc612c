/**
 * Full-text search of PostgreSQL: our tokens as text, and an index over vectors made of them, not by its parser. Vectors themselves would take
 * twice as much as the texts. A lexeme begins with its account and bucket, so that a search reads the entries of one account and some months
 * alone, although all accounts share a table.
 */
import { type RawBuilder, sql } from 'kysely'
import { bucketOf, byBucket, type FullText, type TextMatch, type TextRow } from './full-text.ts'
import type { IndexDatabase } from './index-tables.ts'
import {
  begun,
  border,
  type Column,
  keyOf,
  type TextTable,
  tableStatements,
  tables,
  textOf,
  vectorOf,
  whole,
  wordsOfTable,
} from './postgres-text-tables.ts'

/** Rows of one statement. */
const rowsAtOnce = 50
/** Of a table in which nothing is left. What is smaller is filled again. */
const worthEmptying = 1024 * 1024

export class PostgresFullText implements FullText {
  /** A row is compressed where it is, not moved elsewhere: words are read again where a phrase is looked for. */
  async create(db: IndexDatabase): Promise<void> {
    const statements = [
      `create table text_buckets (account integer not null, bucket smallint not null, primary key (account, bucket))`,
      ...tables.flatMap(tableStatements),
    ]
    for (const statement of statements) await sql.raw(statement).execute(db)
  }

  async put(db: IndexDatabase, account: number, rows: readonly TextRow[]): Promise<void> {
    for (const into of tables) {
      const members = rows.filter(({ body }) => (body === null) === (into === begun))
      const rowids = members.map(({ rowid }) => rowid)
      if (members.length > 0) await removeFrom(db, account, rowids, into === begun ? whole : begun)
      for (let from = 0; from < members.length; from += rowsAtOnce) {
        await this.#putSome(db, account, members.slice(from, from + rowsAtOnce), into)
      }
    }
    const buckets = [...byBucket(rows, ({ rowid }) => rowid).keys()]
    if (buckets.length === 0) return
    const pairs = buckets.map(bucket => sql`(${account}::integer, ${bucket}::smallint)`)
    await sql`insert into text_buckets (account, bucket) values ${sql.join(pairs)} on conflict do nothing`.execute(db)
  }

  async #putSome(
    db: IndexDatabase,
    account: number,
    rows: readonly TextRow[],
    { table, columns: kept }: TextTable,
  ): Promise<void> {
    const values = rows.map(row => {
      const texts = kept.map(({ fields }) => sql`${textOf(row, fields)}`)
      return sql`(${account}::integer, ${row.rowid}::bigint, ${bucketOf(row.rowid)}::smallint, ${sql.join(texts)})`
    })
    const names = kept.map(({ column }) => sql.ref(column))
    const news = kept.map(({ column }) => sql`${sql.ref(column)} = ${sql.ref(`excluded.${column}`)}`)
    await sql`insert into ${sql.table(table)} (account, rowid, bucket, ${sql.join(names)}) values ${sql.join(values)}
      on conflict (account, rowid) do update set ${sql.join(news)}`.execute(db)
  }

  async remove(db: IndexDatabase, account: number, rowids: readonly number[]): Promise<void> {
    for (const table of tables) await removeFrom(db, account, rowids, table)
  }

  /**
   * New entries wait in a list that each search reads from its beginning to its end, until autovacuum sorts them in. Once all texts are there, the
   * table of those without is empty, and its room is given back.
   */
  async tidy(db: IndexDatabase): Promise<boolean> {
    for (const { table } of tables)
      await sql`select gin_clean_pending_list(${wordsOfTable(table)}::regclass)`.execute(db)
    const { rows } = await sql<{ bytes: number }>`
      select pg_total_relation_size(${begun.table}::regclass) as bytes`.execute(db)
    if ((rows[0]?.bytes ?? 0) < worthEmptying) return false
    // Searches wait behind it.
    await sql`set local lock_timeout = '100ms'`.execute(db)
    const left = await sql`select 1 from ${sql.table(begun.table)} limit 1`.execute(db)
    if (left.rows.length === 0) await sql`truncate ${sql.table(begun.table)}`.execute(db)
    return false
  }

  /** Autovacuum makes room for what comes next. */
  async shrink(): Promise<void> {
    // The files stay as large.
  }

  async buckets(db: IndexDatabase, account: number): Promise<number[]> {
    const { rows } = await sql<{ bucket: number }>`select bucket from text_buckets where account = ${account}`.execute(
      db,
    )
    return rows.map(({ bucket }) => bucket)
  }

  /**
   * The inner `offset 0` keeps the planner from walking by date and reading each text on its way: for rare words it took a second. The outer
   * one keeps the order, so that no more messages are looked at than are wanted.
   */
  hits(account: number, bucket: number, match: TextMatch): RawBuilder<unknown> {
    // Of a phrase each column is looked at by itself: a text that has its words need not be read in the other columns.
    const isPhrase = match.kind === 'phrase' && match.phrase.words.length > 1
    const parts = isPhrase ? tables.flatMap(ofEachColumn) : tables
    const found = parts.map(({ table, columns: kept }) => {
      const condition = conditionOf(keyOf(account, bucket), match, kept)
      return sql`select rowid from ${sql.table(table)} where account = ${account} and ${condition}`
    })
    const together = isPhrase ? sql` union ` : sql` union all `
    return sql`select rowid from (${sql.join(found, together)} offset 0) found order by rowid desc offset 0`
  }
}

function ofEachColumn({ table, columns: kept }: TextTable): TextTable[] {
  return kept.map(column => ({ table, columns: [column] }))
}

async function removeFrom(
  db: IndexDatabase,
  account: number,
  rowids: readonly number[],
  { table }: TextTable,
): Promise<void> {
  const all = sql`${sql.val([...rowids])}::bigint[]`
  await sql`delete from ${sql.table(table)} where account = ${account} and rowid = any(${all})`.execute(db)
}

/** @param kept Of the table that is looked into. */
function conditionOf(key: string, match: TextMatch, kept: readonly Column[]): RawBuilder<unknown> {
  if (match.kind !== 'phrase') {
    const all = match.matches.map(each => conditionOf(key, each, kept))
    return sql`(${sql.join(all, match.kind === 'and' ? sql` and ` : sql` or `)})`
  }
  const { words, isPrefix } = match.phrase
  const asked = kept.flatMap(({ column, fields }) => {
    const wanted = fields.filter(field => match.fields.includes(field))
    return wanted.length === 0 ? [] : [{ column, fields, wanted }]
  })
  if (asked.length === 0) return sql`false`
  const query = words.map((word, at) => `'${key}${word}'${isPrefix && at === words.length - 1 ? ':*' : ''}`).join(' & ')
  const found = asked.map(({ column }) => sql`${sql.raw(vectorOf(column))} @@ ${query}::tsquery`)
  const hasWords = sql`(${sql.join(found, sql` or `)})`
  // One word in all fields of its columns: the index alone answers.
  if (words.length === 1 && asked.every(({ fields, wanted }) => wanted.length === fields.length)) return hasWords
  const phrase = ` ${words.join(' ')}${isPrefix ? '' : ' '}`
  const places = asked.map(({ column, fields, wanted }) => {
    const text = sql.ref(column)
    if (wanted.length === fields.length) return sql`strpos(${text}, ${phrase}) > 0`
    return sql`strpos(split_part(${text}, ${border}, ${fields.indexOf(wanted[0]!) + 1}), ${phrase}) > 0`
  })
  return sql`(${hasWords} and (${sql.join(places, sql` or `)}))`
}
