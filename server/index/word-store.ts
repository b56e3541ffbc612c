/** Writes and merges segments of words in the table `word_pages`. */
import { sql } from 'kysely'
import { bucketSpan } from './full-text.ts'
import type { IndexDatabase } from './index-tables.ts'
import { pushRows, readRows } from './word-bytes.ts'
import { bytesOf, pagesOf, type WordEntry, type WordPage } from './word-pages.ts'
import { mergeSegments, type Segment, storedEntries } from './word-segments.ts'
import { sizeOf, toMerge } from './word-tiers.ts'

/** Pages inserted per statement. */
const rowsAtOnce = 32
const none: ReadonlySet<number> = new Set()

/**
 * Table of pages. Each segment has a head row without words, which lists its messages and is the only one with a size.
 */
export const wordTables = [
  `create table word_pages (account integer not null, bucket smallint not null, segment integer not null,
    first bytea not null, last bytea not null, size integer, gone bytea, page bytea not null)`,
  // Their content is compressed already.
  'alter table word_pages alter column page set storage external',
  'alter table word_pages alter column gone set storage external',
  // Merges free space that should be reused soon.
  `alter table word_pages set (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05)`,
  'create unique index word_pages_key on word_pages (account, bucket, segment, first, last)',
  'create index word_segments on word_pages (account, bucket, segment) where size is not null',
]

/** Head row of a stored segment. */
interface Head {
  segment: number
  /** Number of its messages, or of those it marks as gone; more if their texts are long, see `sizeOf`. */
  size: number
  gone: Buffer | null
}

export interface Bucket {
  db: IndexDatabase
  account: number
  bucket: number
}

/** Returns the first row id of a bucket, to which stored row ids are relative. */
export const baseOf = (bucket: number) => bucketSpan(bucket)[0]

/** Reads the heads of a bucket's segments, oldest first. */
export async function headsOf({ db, account, bucket }: Bucket): Promise<Head[]> {
  const { rows } = await sql<Head>`
    select segment, size, gone from word_pages where account = ${account} and bucket = ${bucket} and size is not null
    order by segment`.execute(db)
  return rows
}

function packed(rows: readonly number[], bucket: number): Buffer {
  const bytes: number[] = []
  pushRows(bytes, rows, baseOf(bucket))
  return Buffer.from(bytes)
}

export const unpacked = (bytes: Buffer | null, bucket: number) =>
  bytes ? readRows({ bytes, at: 0 }, baseOf(bucket)) : []

/** Writes a bucket's newest segment, merged with equally small ones. Returns how many bytes it removed. */
export async function write(of: Bucket, segment: Segment & { entries: readonly WordEntry[] }): Promise<number> {
  const heads = await headsOf(of)
  const bytes = segment.entries.reduce((sum, entry) => sum + bytesOf(entry), 0)
  const merged = toMerge(heads, sizeOf(Math.max(segment.rows.length, segment.gone.length), bytes))
  const stored = merged.length === 0 ? segment : await mergedWith(of, merged, none, segment)
  const removed = await removeSegments(of, merged)
  await store(of, (heads.at(-1)?.segment ?? 0) + 1, stored, heads.length === merged.length)
  return removed
}

/** Merges adjacent segments of a bucket into one in their place. Returns how many bytes it removed. */
export async function merge(of: Bucket, heads: readonly Head[], group: readonly Head[]): Promise<number> {
  const last = group.at(-1)
  if (!last) return 0
  const newer = new Set(
    heads.filter(({ segment }) => segment > last.segment).flatMap(({ gone }) => unpacked(gone, of.bucket)),
  )
  const merged = await mergedWith(of, group, newer)
  const removed = await removeSegments(of, group)
  const older = heads.filter(({ segment }) => segment < group[0]!.segment)
  const held = new Set([...(await rowsIn(of, older)).values()].flat())
  await store(of, last.segment, { ...merged, gone: merged.gone.filter(row => held.has(row)) }, older.length === 0)
  return removed
}

/** Reads the messages of segments by segment number, including dead ones. */
async function rowsIn({ db, account, bucket }: Bucket, heads: readonly Head[]): Promise<Map<number, number[]>> {
  if (heads.length === 0) return new Map()
  const { rows } = await sql<{ segment: number; page: Buffer }>`
    select segment, page from word_pages where account = ${account} and bucket = ${bucket} and size is not null
      and segment in (${sql.join(heads.map(({ segment }) => segment))})`.execute(db)
  return new Map(rows.map(({ segment, page }) => [segment, unpacked(page, bucket)]))
}

/** Counts each segment's messages, and those replaced or removed by newer segments; oldest first. */
export async function countDead(
  of: Bucket,
  heads: readonly Head[],
): Promise<(Head & { rows: number; dead: number })[]> {
  const held = await rowsIn(of, heads)
  const newer = new Set<number>()
  const counted = heads.toReversed().map(head => {
    const rows = held.get(head.segment) ?? []
    const dead = rows.filter(row => newer.has(row)).length
    for (const row of unpacked(head.gone, of.bucket)) newer.add(row)
    return { ...head, rows: rows.length, dead }
  })
  return counted.reverse()
}

async function mergedWith(
  { db, account, bucket }: Bucket,
  heads: readonly Head[],
  newer: ReadonlySet<number>,
  newest?: Segment,
): Promise<Segment> {
  const { rows } = await sql<{ segment: number; page: Buffer }>`
    select segment, page from word_pages where account = ${account} and bucket = ${bucket}
      and segment in (${sql.join(heads.map(({ segment }) => segment))}) order by first`.execute(db)
  const segments = heads.toReversed().map(({ segment, gone }): Segment => {
    const [head, ...pages] = rows.filter(row => row.segment === segment).map(({ page }) => page)
    return { rows: unpacked(head!, bucket), gone: unpacked(gone, bucket), entries: storedEntries(pages) }
  })
  return mergeSegments(newest ? [newest, ...segments] : segments, newer, baseOf(bucket))
}

async function removeSegments({ db, account, bucket }: Bucket, heads: readonly Head[]): Promise<number> {
  if (heads.length === 0) return 0
  const { rows } = await sql<{ bytes: number }>`with removed as (
    delete from word_pages where account = ${account} and bucket = ${bucket}
      and segment in (${sql.join(heads.map(({ segment }) => segment))}) returning octet_length(page) as bytes)
    select sum(bytes) as bytes from removed`.execute(db)
  return rows[0]?.bytes ?? 0
}

async function store(of: Bucket, segment: number, { rows, gone, entries }: Segment, isOldest: boolean): Promise<void> {
  // There is nothing to replace before the oldest segment.
  const replaced = isOldest ? [] : gone
  if (rows.length === 0 && replaced.length === 0) return
  let bytes = 0
  let pages: StoredPage[] = []
  const count = (entry: WordEntry) => {
    bytes += bytesOf(entry)
  }
  for (const page of pagesOf(entries, count)) {
    if (pages.length === rowsAtOnce) {
      await insert(of, segment, pages)
      pages = []
    }
    pages.push(page)
  }
  const empty = Buffer.alloc(0)
  const head = {
    first: empty,
    last: empty,
    size: sizeOf(Math.max(rows.length, replaced.length), bytes),
    gone: replaced.length === 0 ? null : packed(replaced, of.bucket),
    page: packed(rows, of.bucket),
  }
  await insert(of, segment, [...pages, head])
}

interface StoredPage extends WordPage {
  size?: number
  gone?: Buffer | null
}

async function insert({ db, account, bucket }: Bucket, segment: number, pages: readonly StoredPage[]): Promise<void> {
  const values = pages.map(({ first, last, size = null, gone = null, page }) => {
    return sql`(${account}::integer, ${bucket}::smallint, ${segment}::integer, ${first}::bytea, ${last}::bytea,
      ${size}::integer, ${gone}::bytea, ${page}::bytea)`
  })
  await sql`insert into word_pages (account, bucket, segment, first, last, size, gone, page)
    values ${sql.join(values)}`.execute(db)
}
