/** What the index needs of a database's full-text search. Both databases get the same tokens (fulltext.ts), so they have the same hits. */
import type { RawBuilder } from 'kysely'
import { maxTokens, type Phrase, plainText, storedTokens } from './fulltext.ts'
import type { IndexDatabase } from './index-tables.ts'

/** What is searched of one message. Each field is searched by itself, or several of them together. */
export interface TextRow {
  /** Of its row in `messages`. */
  rowid: number
  subject: string
  /** Names and addresses, a line for each person. */
  from: string
  to: string
  cc: string
  bcc: string
  /** Of attachments, a line for each. */
  names: string
  /** Null until it is indexed. */
  body: string | null
}

export type TextField = Exclude<keyof TextRow, 'rowid'>

/** Texts are kept in the order in which FTS5 keeps them smallest: the field with the most words first. */
export const textFields: readonly TextField[] = ['body', 'subject', 'from', 'to', 'cc', 'bcc', 'names']

/** What texts are asked for. */
export type TextMatch =
  | { kind: 'phrase'; phrase: Phrase; fields: readonly TextField[] }
  | { kind: 'and' | 'or'; matches: readonly TextMatch[] }

/** The part of it that writing needs. */
export type FullTextWriter = Pick<FullText, 'create' | 'put' | 'remove' | 'tidy' | 'shrink' | 'reclaim' | 'drop'>

/** Messages that match, of some buckets. */
export interface Hits {
  /** A table with the column `rowid`: those from one row id on, and below another one. */
  table(match: TextMatch, span: Span): RawBuilder<unknown>
  /** All of them, the newest first, where they are known to this thread and not to the database. */
  rows(match: TextMatch): readonly number[] | undefined
  /** That were read for them, where this thread does that itself. */
  bytes?: number
}

/** Row ids from the first on, and below the second. */
export type Span = readonly [from: number, end: number]

export interface FullText {
  /** Tables it needs, inside the schema's transaction. */
  create(db: IndexDatabase): Promise<void>
  /** Replaces what was there under the same rowids. Ten to fifty messages a transaction keep merges of SQLite's index short. */
  put(db: IndexDatabase, account: number, rows: readonly TextRow[]): Promise<void>
  remove(db: IndexDatabase, account: number, rowids: readonly number[]): Promise<void>
  /** For idle times: does a bounded piece of merging, and says whether there is more to do. */
  tidy(db: IndexDatabase): Promise<boolean>
  /**
   * After much was removed: gives back the room, so that nothing of it stays. Not in a transaction.
   * @param isFresh Something was removed just now; else only what is left of a time that was interrupted.
   */
  shrink(db: IndexDatabase, account: number, isFresh: boolean): Promise<void>
  /**
   * After a transaction, and not in one: what merging left is for what comes next, once it is much.
   * @param texts Rows of messages that were written again, since their texts came.
   */
  reclaim(db: IndexDatabase, texts?: number): Promise<void>
  /** All of an account, where it shares tables with others. */
  drop(db: IndexDatabase, account: number): Promise<void>
  /** Buckets that hold texts of the account, in no order. */
  buckets(db: IndexDatabase, account: number): Promise<number[]>
  /** How many messages each has, at least about; left out where they are asked one by one. */
  sizes?(db: IndexDatabase, account: number): Promise<ReadonlyMap<number, number>>
  /** Of several buckets together, or of one where each has a table of its own. @param matches What is going to be asked for. */
  hits(db: IndexDatabase, account: number, buckets: readonly number[], matches: readonly TextMatch[]): Promise<Hits>
}

/**
 * Row ids are seconds, and texts are kept in buckets of 194 days of them. A search begins with the newest bucket and ends when it has
 * enough: what a common word or prefix costs is bounded by the size of a bucket. In one table `t*` took 49 ms of processor in 30,000 messages, in buckets 2 ms.
 */
const bucketSize = 2 ** 24
/** What a clock or a server's date puts beyond the year 2105 is in the last one: there are no more tables than that. */
const lastBucket = 255

export function bucketOf(rowid: number): number {
  return Math.min(Math.max(Math.floor(rowid / bucketSize), 0), lastBucket)
}

/** Row ids of a bucket: from the first on, and below the second. */
export function bucketSpan(bucket: number): [from: number, end: number] {
  return [
    bucket === 0 ? 0 : bucket * bucketSize,
    bucket === lastBucket ? Number.MAX_SAFE_INTEGER : (bucket + 1) * bucketSize,
  ]
}

export function byBucket<Item>(items: readonly Item[], rowidOf: (item: Item) => number): Map<number, Item[]> {
  const buckets = new Map<number, Item[]>()
  for (const item of items) {
    const bucket = bucketOf(rowidOf(item))
    const known = buckets.get(bucket)
    if (known) known.push(item)
    else buckets.set(bucket, [item])
  }
  return buckets
}

/** The words of a field as both databases get them. */
export function wordsOf(row: TextRow, field: TextField): string[] {
  return storedTokens(row[field] ?? '', ...boundsOf(field))
}

/** Text in which FTS5 finds these words; with blanks between them where it would find others. */
export function asciiOf(row: TextRow, field: TextField): string {
  const text = row[field] ?? ''
  if (text === '') return text
  return plainText(text, ...boundsOf(field)) ?? storedTokens(text, ...boundsOf(field)).join(' ')
}

function boundsOf(field: TextField): [most: number, sharers: number] {
  return field === 'body' ? [maxTokens.body, 1] : [maxTokens.field, 2]
}
