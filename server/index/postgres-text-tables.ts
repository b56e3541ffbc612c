/** Where PostgreSQL keeps what is searched of messages, and which words it indexes of it. */
import { type TextField, type TextRow, wordsOf } from './full-text.ts'

/** Stands as a word between two fields of a column: in no query, so that no phrase goes across. */
export const border = '\ue001'
/** The letter of the bucket 0. It ends the number of the account, since it is no digit. */
const firstBucket = 0x100

export interface Column {
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
export const whole: TextTable = { table: 'texts', columns }
export const begun: TextTable = { table: 'begun_texts', columns: columns.filter(({ column }) => column !== 'body') }
export const tables = [whole, begun]

export interface TextTable {
  table: string
  columns: readonly Column[]
}

export function tableStatements({ table, columns: kept }: TextTable): string[] {
  const list = kept.map(({ column }) => `${column} text not null`).join(', ')
  const words = kept.map(({ column }) => `(${vectorOf(column)})`).join(', ')
  return [
    `create table ${table} (account integer not null, rowid bigint not null, bucket smallint not null, ${list})`,
    // By a statement of its own: beside the column PostgreSQL knows it from version 16 on only.
    ...kept.map(({ column }) => `alter table ${table} alter column ${column} set storage main`),
    // Newest first, as mail comes: see index-schema.ts.
    `create unique index ${table}_key on ${table} (account, rowid desc)`,
    `alter table ${table} set (toast_tuple_target = 128)`,
    `create index ${wordsOfTable(table)} on ${table} using gin (${words})`,
    // No plan is to depend on when they were counted last.
    ...kept.map((_, index) => `alter index ${wordsOfTable(table)} alter column ${index + 1} set statistics 0`),
  ]
}

export const wordsOfTable = (table: string) => `${table}_by_word`

/** With a blank around each word, so that a phrase is found as it is written. */
export function textOf(row: TextRow, fields: readonly TextField[]): string {
  const [first = [], ...others] = fields.map(field => wordsOf(row, field))
  const words = [...first, ...others.flatMap(each => (each.length === 0 ? [] : [border, ...each]))]
  return words.length === 0 ? '' : ` ${words.join(' ')} `
}

/** The words of a column, each behind the key of its account and bucket. They are indexed, and kept nowhere as a vector. */
export const vectorOf = (column: string) =>
  `replace(rtrim(${column}), ' ', ' ' || account::text || chr(${firstBucket} + bucket))::tsvector`

export const keyOf = (account: number, bucket: number) => `${account}${String.fromCharCode(firstBucket + bucket)}`
