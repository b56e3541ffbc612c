/**
 * Postings of a word: for each message with it, by row id, the difference to the previous row id, the number of bytes
 * that follow, the mask of fields with the word, and the differences between its places. A place combines the field and
 * the word's index in it.
 */
import { type TextField, textFields } from './full-text.ts'
import { readNumber, writeNumber } from './word-bytes.ts'

/** The part of a page that holds the postings of one word. */
export interface Postings {
  bytes: Buffer
  from: number
  end: number
}

/** Messages that contain a word, and the byte ranges of their places. */
export interface PostedRows {
  bytes: Buffer
  rows: number[]
  from: number[]
  end: number[]
}

/** Bits for a word's index in its field. Fields have fewer words (fulltext.ts), so their words are never adjacent. */
const fieldBits = 15

export const placeOfWord = (field: number, at: number) => (field << fieldBits) + at

export const allFields = (1 << textFields.length) - 1

/** Returns a mask with a bit for each of the fields. */
export function maskOf(fields: readonly TextField[]): number {
  return fields.reduce((mask, field) => mask | (1 << textFields.indexOf(field)), 0)
}

/**
 * Reads the messages with the word in one of these fields.
 * @param base Row id to which the first difference is added.
 */
export function readPostings({ bytes, from, end }: Postings, base: number, mask: number): PostedRows {
  const found: PostedRows = { bytes, rows: [], from: [], end: [] }
  const cursor = { bytes, at: from }
  for (let row = base; cursor.at < end; ) {
    row += readNumber(cursor)
    const size = readNumber(cursor)
    const start = cursor.at
    cursor.at += size
    if ((bytes[start]! & mask) === 0) continue
    found.rows.push(row)
    found.from.push(start)
    found.end.push(cursor.at)
  }
  return found
}

/** Reads only the row ids, where places do not matter. */
export function readRowsOf(
  { bytes, from, end }: Postings,
  base: number,
  mask: number,
  take: (row: number) => void,
): void {
  const cursor = { bytes, at: from }
  for (let row = base; cursor.at < end; ) {
    row += readNumber(cursor)
    const size = readNumber(cursor)
    if (bytes[cursor.at]! & mask) take(row)
    cursor.at += size
  }
}

/** Candidate messages of a phrase, with the places where its next word must be, concatenated. */
export interface Candidates {
  rows: number[]
  next: number[]
  /** The end of each message's places in `next`. */
  ends: number[]
}

/** Reads the row ids of candidates in which the word is at one of the wanted places. */
export function readRowsFollowing(
  { bytes, from, end }: Postings,
  base: number,
  mask: number,
  { rows, next, ends }: Candidates,
  take: (row: number) => void,
): void {
  const cursor = { bytes, at: from }
  let [row, at] = [base, 0]
  while (cursor.at < end && at < rows.length) {
    row += readNumber(cursor)
    const size = readNumber(cursor)
    const behind = cursor.at + size
    while (at < rows.length && rows[at]! < row) at++
    if (rows[at] === row && bytes[cursor.at]! & mask) {
      cursor.at++
      let wanted = at > 0 ? ends[at - 1]! : 0
      for (let place = 0; cursor.at < behind && wanted < ends[at]!; ) {
        place += readNumber(cursor)
        while (wanted < ends[at]! && next[wanted]! < place) wanted++
        // Wanted places are in wanted fields only.
        if (wanted < ends[at]! && next[wanted] === place) {
          take(row)
          break
        }
      }
    }
    cursor.at = behind
  }
}

/** Upper bound on the bytes of a row id and a length. */
const mostOfHead = 12

export function writePostings(
  { rows, from, end }: PostedRows,
  bytesAt: (index: number) => Buffer,
  base: number,
): Buffer {
  const size = from.reduce((sum, start, index) => sum + end[index]! - start, 0)
  const out = Buffer.allocUnsafe(size + rows.length * mostOfHead)
  let [at, before] = [0, base]
  rows.forEach((row, index) => {
    at = writeNumber(out, at, row - before)
    at = writeNumber(out, at, end[index]! - from[index]!)
    at += bytesAt(index).copy(out, at, from[index], end[index])
    before = row
  })
  return out.subarray(0, at)
}

/** Concatenates postings, rewriting only the first row id of each; undefined if their ranges of messages overlap. */
export function joinPostings(all: readonly Postings[], base: number): Buffer | undefined {
  const ranges = all.map(postings => rangeOf(postings, base)).sort((one, other) => one.first - other.first)
  let [before, size] = [base, 0]
  for (const { first, last, postings, behind } of ranges) {
    if (before !== base && first <= before) return undefined
    before = last
    size += mostOfHead + postings.end - behind
  }
  const out = Buffer.allocUnsafe(size)
  let at = 0
  before = base
  for (const { first, last, postings, behind } of ranges) {
    at = writeNumber(out, at, first - before)
    at += postings.bytes.copy(out, at, behind, postings.end)
    before = last
  }
  return out.subarray(0, at)
}

interface Range {
  postings: Postings
  first: number
  last: number
  /** Position of the bytes after the first row id. */
  behind: number
}

function rangeOf(postings: Postings, base: number): Range {
  const cursor = { bytes: postings.bytes, at: postings.from }
  const first = base + readNumber(cursor)
  const behind = cursor.at
  let last = first
  for (;;) {
    const size = readNumber(cursor)
    cursor.at += size
    if (cursor.at >= postings.end) return { postings, first, last, behind }
    last += readNumber(cursor)
  }
}

/** Reads the places of one message in these fields, ascending, into a reused list. */
export function readPlaces({ bytes, from, end }: PostedRows, index: number, mask: number, places: number[]): void {
  places.length = 0
  const cursor = { bytes, at: from[index]! + 1 }
  for (let place = 0; cursor.at < end[index]!; ) {
    place += readNumber(cursor)
    if (mask & (1 << (place >> fieldBits))) places.push(place)
  }
}
