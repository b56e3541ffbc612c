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

/** What is asked for together is in one column: its words in order, those of one field behind those of the other. */
const columns: readonly { column: string; fields: readonly TextField[] }[] = [
  { column: 'body', fields: ['body'] },
  { column: 'head', fields: ['subject', 'names'] },
  { column: 'senders', fields: ['from', 'bcc'] },
  { column: 'recipients', fields: ['to', 'cc'] },
]

export class PostgresFullText implements FullText {
  /** A row is compressed where it is, not moved elsewhere: words are read again where a phrase is looked for. */
  async create(db: IndexDatabase): Promise<void> {
    const list = columns.map(({ column }) => `${column} text storage main not null`).join(', ')
    const words = columns.map(({ column }) => `(${vectorOf(column)})`).join(', ')
    const statements = [
      `create table texts (account integer not null, rowid bigint not null, bucket smallint not null, ${list})`,
      // Newest first, as mail comes: see index-schema.ts.
      'create unique index texts_key on texts (account, rowid desc)',
      'alter table texts set (toast_tuple_target = 128)',
      `create index texts_by_word on texts using gin (${words})`,
      `create table text_buckets (account integer not null, bucket smallint not null, primary key (account, bucket))`,
      // No plan is to depend on when they were counted last.
      ...columns.map((_, index) => `alter index texts_by_word alter column ${index + 1} set statistics 0`),
    ]
    for (const statement of statements) await sql.raw(statement).execute(db)
  }

  async put(db: IndexDatabase, account: number, rows: readonly TextRow[]): Promise<void> {
    for (let from = 0; from < rows.length; from += rowsAtOnce) {
      await this.#putSome(db, account, rows.slice(from, from + rowsAtOnce))
    }
    const buckets = [...byBucket(rows, ({ rowid }) => rowid).keys()]
    if (buckets.length === 0) return
    const pairs = buckets.map(bucket => sql`(${account}::integer, ${bucket}::smallint)`)
    await sql`insert into text_buckets (account, bucket) values ${sql.join(pairs)} on conflict do nothing`.execute(db)
  }

  async #putSome(db: IndexDatabase, account: number, rows: readonly TextRow[]): Promise<void> {
    const values = rows.map(row => {
      const texts = columns.map(({ fields }) => sql`${textOf(row, fields)}`)
      return sql`(${account}::integer, ${row.rowid}::bigint, ${bucketOf(row.rowid)}::smallint, ${sql.join(texts)})`
    })
    await sql`insert into texts (account, rowid, bucket, body, head, senders, recipients) values ${sql.join(values)}
      on conflict (account, rowid) do update set body = excluded.body, head = excluded.head, senders = excluded.senders,
        recipients = excluded.recipients`.execute(db)
  }

  async remove(db: IndexDatabase, account: number, rowids: readonly number[]): Promise<void> {
    await sql`delete from texts where account = ${account} and rowid = any(${sql.val([...rowids])}::bigint[])`.execute(
      db,
    )
  }

  /** Autovacuum does it. */
  async tidy(): Promise<boolean> {
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
    const condition = conditionOf(keyOf(account, bucket), match)
    return sql`select rowid from (select rowid from texts where account = ${account} and ${condition} offset 0) found
      order by rowid desc offset 0`
  }
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

function conditionOf(key: string, match: TextMatch): RawBuilder<unknown> {
  if (match.kind !== 'phrase') {
    const all = match.matches.map(each => conditionOf(key, each))
    return sql`(${sql.join(all, match.kind === 'and' ? sql` and ` : sql` or `)})`
  }
  const { words, isPrefix } = match.phrase
  const asked = columns.flatMap(({ column, fields }) => {
    const wanted = fields.filter(field => match.fields.includes(field))
    return wanted.length === 0 ? [] : [{ column, fields, wanted }]
  })
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
