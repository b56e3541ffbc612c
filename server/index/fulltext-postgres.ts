/**
 * Full-text search of PostgreSQL: our tokens as text, and an index over vectors made of them, not by its parser. Vectors themselves would take
 * twice as much as the texts. A lexeme begins with its account and bucket, so that a search reads the entries of one account and some months
 * alone, although all accounts share a table.
 */
import { type RawBuilder, sql } from 'kysely'
import {
  bucketOf,
  byBucket,
  type FullText,
  type TextField,
  type TextMatch,
  type TextRow,
  wordsOf,
} from './full-text.ts'
import type { IndexDatabase } from './index-tables.ts'

/** Rows of one statement. */
const rowsAtOnce = 50
/** Stands as a word between two fields of a column: in no query, so that no phrase goes across. */
const border = '\ue001'
/** The letter of the bucket 0. It ends the number of the account, since it is no digit. */
const firstBucket = 0x100

interface Column {
  column: string
  fields: readonly TextField[]
}

/** What is asked for together is in one column: its words in order, those of one field behind those of the other. */
const columns: readonly Column[] = [
  { column: 'body', fields: ['body'] },
  { column: 'head', fields: ['subject', 'names'] },
  { column: 'senders', fields: ['from', 'bcc'] },
  { column: 'recipients', fields: ['to', 'cc'] },
]

/**
 * A message is in one of two tables: with its text in the one, and until that is indexed in the other. PostgreSQL writes a row and its index
 * entries again when any column changes: in one table everything was written twice.
 */
const whole: TextTable = { table: 'texts', columns }
const begun: TextTable = { table: 'begun_texts', columns: columns.filter(({ column }) => column !== 'body') }
const tables = [whole, begun]
/** Of a table in which nothing is left. What is smaller is filled again. */
const worthEmptying = 1024 * 1024

interface TextTable {
  table: string
  columns: readonly Column[]
}

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
    // Whoever waits for the lock holds up searches.
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
    const found = tables.map(({ table, columns: kept }) => {
      const condition = conditionOf(keyOf(account, bucket), match, kept)
      return sql`select rowid from ${sql.table(table)} where account = ${account} and ${condition}`
    })
    return sql`select rowid from (${sql.join(found, sql` union all `)} offset 0) found order by rowid desc offset 0`
  }
}

function tableStatements({ table, columns: kept }: TextTable): string[] {
  const list = kept.map(({ column }) => `${column} text storage main not null`).join(', ')
  const words = kept.map(({ column }) => `(${vectorOf(column)})`).join(', ')
  return [
    `create table ${table} (account integer not null, rowid bigint not null, bucket smallint not null, ${list})`,
    // Newest first, as mail comes: see index-schema.ts.
    `create unique index ${table}_key on ${table} (account, rowid desc)`,
    `alter table ${table} set (toast_tuple_target = 128)`,
    `create index ${wordsOfTable(table)} on ${table} using gin (${words})`,
    // No plan is to depend on when they were counted last.
    ...kept.map((_, index) => `alter index ${wordsOfTable(table)} alter column ${index + 1} set statistics 0`),
  ]
}

const wordsOfTable = (table: string) => `${table}_by_word`

async function removeFrom(
  db: IndexDatabase,
  account: number,
  rowids: readonly number[],
  { table }: TextTable,
): Promise<void> {
  const all = sql`${sql.val([...rowids])}::bigint[]`
  await sql`delete from ${sql.table(table)} where account = ${account} and rowid = any(${all})`.execute(db)
}

/** With a blank around each word, so that a phrase is found as it is written. */
function textOf(row: TextRow, fields: readonly TextField[]): string {
  const [first = [], ...others] = fields.map(field => wordsOf(row, field))
  const words = [...first, ...others.flatMap(each => (each.length === 0 ? [] : [border, ...each]))]
  return words.length === 0 ? '' : ` ${words.join(' ')} `
}

/** The words of a column, each behind the key of its account and bucket. They are indexed, and kept nowhere as a vector. */
const vectorOf = (column: string) =>
  `replace(rtrim(${column}), ' ', ' ' || account::text || chr(${firstBucket} + bucket))::tsvector`

const keyOf = (account: number, bucket: number) => `${account}${String.fromCharCode(firstBucket + bucket)}`

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
