/** Reads the pages of words that a search needs from the table `word_pages`. */
import { preparedStatement } from './fixed-statement.ts'
import type { WordPage } from './word-pages.ts'
import type { WantedWord } from './word-search.ts'
import { type Bucket, unpacked } from './word-store.ts'

/** A segment with those of its pages that may contain a wanted word. */
interface StoredSegment {
  segment: number
  gone: number[]
  pages: WordPage[]
}

interface StoredPage extends Omit<WordPage, 'page'> {
  bucket: number
  segment: number
  gone: Buffer | null
  /** The page as base64: hexadecimal digits, PostgreSQL's own text form of bytes, take twice as long. */
  base64: string | null
}

/**
 * Reads the pages; those of a segment are ordered, so the first with a word is the last that begins at or before it.
 */
const rowsWith = preparedStatement<StoredPage>(`
  select bucket, segment, first, last, gone, null as base64 from word_pages
    where account = $1 and bucket = any($2::smallint[]) and size is not null
  union all
  select h.bucket, h.segment, p.first, p.last, null, encode(p.page, 'base64')
    from (select bucket, segment from word_pages where account = $1 and bucket = any($2::smallint[]) and size is not null offset 0) h
    cross join unnest($3::bytea[], $4::bytea[]) w (low, high)
    cross join lateral (select first, last, page from word_pages
      where account = $1 and bucket = h.bucket and segment = h.segment and size is null and last >= low and first <= high
        and first >= coalesce((select q.first from word_pages q where q.account = $1 and q.bucket = h.bucket
          and q.segment = h.segment and q.first <= low order by q.first desc limit 1), low)) p
  order by 1, 2 desc, 3`)

/**
 * Returns the segments of each bucket, newest first, with the pages that may contain these words: on one snapshot, as
 * merges run meanwhile.
 */
export async function segmentsWith(
  { db, account }: Pick<Bucket, 'db' | 'account'>,
  buckets: readonly number[],
  words: readonly WantedWord[],
): Promise<Map<number, StoredSegment[]>> {
  const low = words.map(({ word }) => word)
  const high = words.map(({ word, isPrefix }) => (isPrefix ? Buffer.concat([word, Buffer.from([0xff])]) : word))
  const rows = await rowsWith(db, account, buckets, low, high)
  const found = new Map<number, StoredSegment[]>()
  for (const { bucket, segment, gone, first, last: end, base64 } of rows) {
    const segments = found.get(bucket) ?? []
    found.set(bucket, segments)
    const last = segments.at(-1)
    // A segment's head row comes first.
    if (last?.segment !== segment) segments.push({ segment, gone: unpacked(gone, bucket), pages: [] })
    // Several words may be on the same page.
    else if (!last.pages.at(-1)?.first.equals(first)) {
      last.pages.push({ first, last: end, page: Buffer.from(base64 ?? '', 'base64') })
    }
  }
  return found
}
