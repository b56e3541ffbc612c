/** Finds matching messages in the pages of words of one bucket. */
import type { TextMatch } from './full-text.ts'
import type { Phrase } from './fulltext.ts'
import { findInPage, inflatePage, type WordPage } from './word-pages.ts'
import {
  type Candidates,
  maskOf,
  type PostedRows,
  type Postings,
  readPlaces,
  readPostings,
  readRowsFollowing,
  readRowsOf,
} from './word-postings.ts'

/** A segment with those of its pages that may contain a wanted word. */
export interface SearchedSegment {
  gone: readonly number[]
  pages: readonly WordPage[]
}

export interface WantedWord {
  word: Buffer
  isPrefix: boolean
}

/** Returns the words whose pages a condition needs. */
export function wordsOfMatch(match: TextMatch): WantedWord[] {
  return match.kind === 'phrase' ? wanted(match.phrase) : match.matches.flatMap(wordsOfMatch)
}

function wanted({ words, isPrefix }: Phrase): WantedWord[] {
  return words.map((word, at) => ({ word: Buffer.from(word), isPrefix: isPrefix && at === words.length - 1 }))
}

/**
 * Returns matching row ids, newest first.
 * @param segments Segments, newest first.
 * @param base First row id of the bucket.
 */
export function rowsMatching(segments: readonly SearchedSegment[], match: TextMatch, base: number): number[] {
  const dead = new Set<number>()
  const found: number[] = []
  segments.forEach(({ gone, pages }, at) => {
    for (const row of new SegmentReader(pages, base).rows(match)) if (!dead.has(row)) found.push(row)
    // There is no older segment after the last one.
    if (at < segments.length - 1) for (const row of gone) dead.add(row)
  })
  return found.sort((one, other) => other - one)
}

class SegmentReader {
  readonly #pages: readonly WordPage[]
  readonly #base: number
  readonly #read = new Map<Buffer, Buffer>()

  constructor(pages: readonly WordPage[], base: number) {
    this.#pages = pages
    this.#base = base
  }

  /** Returns matching row ids, ascending. */
  rows(match: TextMatch): number[] {
    if (match.kind === 'phrase') return this.#phrase(wanted(match.phrase), maskOf(match.fields))
    const [first = [], ...others] = match.matches.map(each => this.rows(each))
    return others.reduce((one, other) => (match.kind === 'and' ? both(one, other) : union([one, other])), first)
  }

  #phrase(words: readonly WantedWord[], mask: number): number[] {
    const last = words.at(-1)!
    let hits: Candidates | undefined
    for (const { word } of words.slice(0, -1)) {
      const [postings] = this.#find(word, false)
      if (!postings) return []
      hits = following(hits, readPostings(postings, this.#base, mask), mask)
      if (hits.rows.length === 0) return []
    }
    const lists = this.#find(last.word, last.isPrefix).map(postings => {
      const rows: number[] = []
      const take = (row: number) => void rows.push(row)
      if (hits) readRowsFollowing(postings, this.#base, mask, hits, take)
      else readRowsOf(postings, this.#base, mask, take)
      return rows
    })
    return union(lists.filter(rows => rows.length > 0))
  }

  #find(word: Buffer, isPrefix: boolean): Postings[] {
    return this.#pages.flatMap(({ first, last, page }) =>
      isBetween(word, isPrefix, first, last) ? findInPage(this.#inflated(page), word, isPrefix) : [],
    )
  }

  #inflated(page: Buffer): Buffer {
    const inflated = this.#read.get(page) ?? inflatePage(page)
    this.#read.set(page, inflated)
    return inflated
  }
}

function isBetween(word: Buffer, isPrefix: boolean, first: Buffer, last: Buffer): boolean {
  const from = isPrefix ? first.subarray(0, word.length) : first
  return from.compare(word) <= 0 && last.compare(word) >= 0
}

function following(before: Candidates | undefined, posted: PostedRows, mask: number): Candidates {
  const found: Candidates = { rows: [], next: [], ends: [] }
  const places: number[] = []
  let at = 0
  for (let index = 0; index < posted.rows.length; index++) {
    const row = posted.rows[index]!
    while (before && at < before.rows.length && before.rows[at]! < row) at++
    if (before && at === before.rows.length) break
    if (before && before.rows[at] !== row) continue
    readPlaces(posted, index, mask, places)
    const kept = found.next.length
    let from = before && at > 0 ? before.ends[at - 1]! : 0
    for (const place of places) {
      while (before && from < before.ends[at]! && before.next[from]! < place) from++
      if (before && (from === before.ends[at] || before.next[from] !== place)) continue
      found.next.push(place + 1)
    }
    if (found.next.length === kept) continue
    found.rows.push(row)
    found.ends.push(found.next.length)
  }
  return found
}

function union(lists: readonly number[][]): number[] {
  if (lists.length <= 1) return lists[0] ?? []
  const all = new Float64Array(lists.reduce((sum, list) => sum + list.length, 0))
  let end = 0
  for (const list of lists) {
    all.set(list, end)
    end += list.length
  }
  // A typed array sorts numerically without a comparator.
  return [...all.sort().filter((row, at) => row !== all[at - 1])]
}

/** Intersects ascending lists. */
function both(one: readonly number[], other: readonly number[]): number[] {
  const found: number[] = []
  for (let [a, b] = [0, 0]; a < one.length && b < other.length; ) {
    if (one[a] === other[b]) found.push(one[a]!)
    if (one[a]! <= other[b]!) a++
    else b++
  }
  return found
}
