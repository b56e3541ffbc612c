/**
 * Full-text search of PostgreSQL: `tsvector` columns, made of our tokens and not by its parser. A lexeme begins with its account and bucket, so
 * that a search reads the entries of one account and some months alone, although all accounts share a table.
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
/** Between two fields of a column, so that no phrase goes across. */
const gap = 10

/** Two fields share a column and have each a weight: one word has 255 positions in a column, and half of them in each field. */
const vectors: readonly { column: string; fields: readonly { field: TextField; weight: string }[] }[] = [
  { column: 'body', fields: [{ field: 'body', weight: '' }] },
  {
    column: 'head',
    fields: [
      { field: 'subject', weight: 'A' },
      { field: 'names', weight: 'B' },
    ],
  },
  {
    column: 'senders',
    fields: [
      { field: 'from', weight: 'A' },
      { field: 'bcc', weight: 'B' },
    ],
  },
  {
    column: 'recipients',
    fields: [
      { field: 'to', weight: 'A' },
      { field: 'cc', weight: 'B' },
    ],
  },
]

export class PostgresFullText implements FullText {
  async create(db: IndexDatabase): Promise<void> {
    await sql`create table texts (account integer not null, rowid bigint not null, bucket smallint not null,
      body tsvector not null, head tsvector not null, senders tsvector not null, recipients tsvector not null,
      primary key (account, rowid))`.execute(db)
    await sql`create index texts_by_word on texts using gin (body, head, senders, recipients)`.execute(db)
    await sql`create table text_buckets (account integer not null, bucket smallint not null,
      primary key (account, bucket))`.execute(db)
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
      const bucket = bucketOf(row.rowid)
      const columns = vectors.map(({ fields }) => sql`${vectorOf(keyOf(account, bucket), row, fields)}::tsvector`)
      return sql`(${account}::integer, ${row.rowid}::bigint, ${bucket}::smallint, ${sql.join(columns)})`
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

  /** `offset 0` keeps the planner from walking by date and reading each text on its way: for rare words it took a second. */
  hits(account: number, bucket: number, match: TextMatch): RawBuilder<unknown> {
    return sql`select rowid from texts where account = ${account} and ${conditionOf(keyOf(account, bucket), match)} offset 0`
  }
}

/** No word has a point in it. */
const keyOf = (account: number, bucket: number) => `${account.toString(36)}.${bucket.toString(36)}.`

/** As PostgreSQL reads one: `'word':1,2A`. Words are letters and digits alone, so that there is nothing to be escaped. */
function vectorOf(key: string, row: TextRow, fields: readonly { field: TextField; weight: string }[]): string {
  const places = new Map<string, string>()
  let position = 1
  for (const { field, weight } of fields) {
    for (const word of wordsOf(row, field)) {
      const known = places.get(word)
      places.set(word, known === undefined ? `${position}${weight}` : `${known},${position}${weight}`)
      position++
    }
    position += gap
  }
  return [...places].map(([word, at]) => `'${key}${word}':${at}`).join(' ')
}

function conditionOf(key: string, match: TextMatch): RawBuilder<unknown> {
  if (match.kind !== 'phrase') {
    const all = match.matches.map(each => conditionOf(key, each))
    return sql`(${sql.join(all, match.kind === 'and' ? sql` and ` : sql` or `)})`
  }
  const { words, isPrefix } = match.phrase
  const columns = vectors.flatMap(({ column, fields }) => {
    const asked = fields.filter(({ field }) => match.fields.includes(field))
    if (asked.length === 0) return []
    // Of weights none is asked for where all fields of the column are: the index alone answers then.
    const weights = asked.length === fields.length ? '' : asked.map(({ weight }) => weight).join('')
    const query = words.map((word, at) => {
      const marks = `${isPrefix && at === words.length - 1 ? '*' : ''}${weights}`
      return `'${key}${word}'${marks === '' ? '' : `:${marks}`}`
    })
    return sql`${sql.ref(column)} @@ ${query.join(' <-> ')}::tsquery`
  })
  return sql`(${sql.join(columns, sql` or `)})`
}
