/** Full-text search for the index. Both databases get the same tokens (fulltext.ts), so they return the same hits. */
import type { RawBuilder } from 'kysely'
import { maxTokens, type Phrase, plainText, storedTokens } from './fulltext.ts'
import type { IndexDatabase } from './index-tables.ts'

/** Searchable text of one message. Fields can be searched individually or several together. */
export interface TextRow {
  /** Row id in `messages`. */
  rowid: number
  subject: string
  /** Names and addresses, one person per line. */
  from: string
  to: string
  cc: string
  bcc: string
  /** Attachment names, one per line. */
  names: string
  /** Null until the text is indexed. */
  body: string | null
}

export type TextField = Exclude<keyof TextRow, 'rowid'>

/** Column order, chosen to keep FTS5 tables smallest: the field with the most words first. */
export const textFields: readonly TextField[] = ['body', 'subject', 'from', 'to', 'cc', 'bcc', 'names']

/** A condition on texts. */
export type TextMatch =
  | { kind: 'phrase'; phrase: Phrase; fields: readonly TextField[] }
  | { kind: 'and' | 'or'; matches: readonly TextMatch[] }

/** The methods that writing needs. */
export type FullTextWriter = Pick<FullText, 'create' | 'put' | 'remove' | 'tidy' | 'shrink' | 'reclaim' | 'drop'>

/** Matching messages of some buckets. */
export interface Hits {
  /** Returns a table expression with the column `rowid`: matches within the span. */
  table(match: TextMatch, span: Span): RawBuilder<unknown>
  /** Returns all matches, newest first, if this thread computes them; undefined if the database does. */
  rows(match: TextMatch): readonly number[] | undefined
  /** Bytes read to compute the matches, if this thread does that. */
  bytes?: number
}

/** A half-open range of row ids: `from` included, `end` excluded. */
export type Span = readonly [from: number, end: number]

export interface FullText {
  /** Creates its tables, inside the schema's transaction. */
  create(db: IndexDatabase): Promise<void>
  /** Upserts rows by rowid. Ten to fifty messages per transaction keep merges of SQLite's index short. */
  put(db: IndexDatabase, account: number, rows: readonly TextRow[]): Promise<void>
  remove(db: IndexDatabase, account: number, rowids: readonly number[]): Promise<void>
  /** Does one bounded step of merging, for idle times, and returns whether more is left. */
  tidy(db: IndexDatabase): Promise<boolean>
  /**
   * Reclaims space after mass removal, so that no removed text stays on disk. Must not run in a transaction.
   * @param isFresh Whether something was just removed; false to finish an earlier call that was interrupted.
   */
  shrink(db: IndexDatabase, account: number, isFresh: boolean): Promise<void>
  /**
   * Makes space left by merges reusable, once there is much of it. Call after a transaction, not inside one.
   * @param texts Number of message rows that were rewritten because their texts were added.
   */
  reclaim(db: IndexDatabase, texts?: number): Promise<void>
  /** Removes an account's data where accounts share tables. */
  drop(db: IndexDatabase, account: number): Promise<void>
  /** Returns the buckets that hold texts of the account, unordered. */
  buckets(db: IndexDatabase, account: number): Promise<number[]>
  /** Returns the approximate number of messages per bucket; omitted where buckets are queried one by one. */
  sizes?(db: IndexDatabase, account: number): Promise<ReadonlyMap<number, number>>
  /**
   * Searches several buckets together, or a single one where each has its own table.
   * @param matches All conditions to be queried.
   */
  hits(db: IndexDatabase, account: number, buckets: readonly number[], matches: readonly TextMatch[]): Promise<Hits>
}

/**
 * Row ids per bucket: they are seconds, so a bucket is 194 days. A search starts with the newest bucket and stops when
 * it has enough, so the size of a bucket bounds the cost of a common word or prefix. `t*` in 30,000 messages took 49 ms
 * of CPU in one table, 2 ms in buckets.
 */
const bucketSize = 2 ** 24
/** The last bucket, for all dates beyond the year 2105 from a wrong clock or server: bounds the number of tables. */
const lastBucket = 255

export function bucketOf(rowid: number): number {
  return Math.min(Math.max(Math.floor(rowid / bucketSize), 0), lastBucket)
}

/** Returns the row ids of a bucket as a half-open range. */
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

/** Returns the tokens of a field, the same for both databases. */
export function wordsOf(row: TextRow, field: TextField): string[] {
  return storedTokens(row[field] ?? '', ...boundsOf(field))
}

/** Returns text that FTS5 splits into the same tokens: the original if possible, else the tokens joined by blanks. */
export function asciiOf(row: TextRow, field: TextField): string {
  const text = row[field] ?? ''
  if (text === '') return text
  return plainText(text, ...boundsOf(field)) ?? storedTokens(text, ...boundsOf(field)).join(' ')
}

function boundsOf(field: TextField): [most: number, sharers: number] {
  return field === 'body' ? [maxTokens.body, 1] : [maxTokens.field, 2]
}
