/**
 * Where a word stands: for each message that has it, in the order of their row ids, how much further its row id is, how many bytes follow, the mask of the
 * fields that have it, and how much further each place is. A place is the number of the field, and of the word in it.
 */
import { type TextField, textFields } from './full-text.ts'
import { readNumber, writeNumber } from './word-bytes.ts'

/** The part of a page that has the postings of one word. */
export interface Postings {
  bytes: Buffer
  from: number
  end: number
}

/** Messages that have a word, and where in the bytes their places are. */
export interface PostedRows {
  bytes: Buffer
  rows: number[]
  from: number[]
  end: number[]
}

/** A field has fewer words than this (fulltext.ts): no word is next to one of another field. */
const fieldBits = 15

export const placeOfWord = (field: number, at: number) => (field << fieldBits) + at

export const allFields = (1 << textFields.length) - 1

/** One bit for each of the fields. */
export function maskOf(fields: readonly TextField[]): number {
  return fields.reduce((mask, field) => mask | (1 << textFields.indexOf(field)), 0)
}

/** Those that have it in one of these fields. @param base The row id that the first one is counted from. */
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

/** Where it does not matter at which places. */
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

/** Messages, and where in each the next word has to stand: those of one behind those of the other. */
export interface Candidates {
  rows: number[]
  next: number[]
  /** Of each message, where those of the next one begin. */
  ends: number[]
}

/** Where it stands where it has to, at one of the places at least. */
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
        // A wanted place is in a field that is meant.
        if (wanted < ends[at]! && next[wanted] === place) {
          take(row)
          break
        }
      }
    }
    cursor.at = behind
  }
}

/** Bytes of a row id and of a number of bytes. */
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

/** One behind the other, as they are but for the first row id of each; undefined where their messages are not one behind the other. */
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
  /** Where the bytes go on behind the first row id. */
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

/** Of one message, in these fields, in rising order: into a list that is there, from its beginning. */
export function readPlaces({ bytes, from, end }: PostedRows, index: number, mask: number, places: number[]): void {
  places.length = 0
  const cursor = { bytes, at: from[index]! + 1 }
  for (let place = 0; cursor.at < end[index]!; ) {
    place += readNumber(cursor)
    if (mask & (1 << (place >> fieldBits))) places.push(place)
  }
}
