/** Encodes words and postings as sorted, compressed pages for PostgreSQL; a search reads only those with its words. */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { readNumber, writeNumber } from './word-bytes.ts'
import type { Postings } from './word-postings.ts'

/** A page with its first and last word, as bytes. */
export interface WordPage {
  first: Buffer
  last: Buffer
  page: Buffer
}

export interface WordEntry {
  /** The word's bytes as a latin1 string, which sorts in PostgreSQL's byte order. */
  word: string
  postings: Postings
}

/** Uncompressed size of a page; a common word gets a longer one of its own. */
const pageBytes = 16 * 1024
/**
 * Bytes that a page may inflate to, whatever its content; a word in all messages of a segment takes a tenth of that.
 */
const mostInflated = 64 * 1024 * 1024
const level = 3
/** Upper bound on the bytes of the two lengths stored with a word. */
const mostOfNumbers = 16

export const bytesOfWord = (word: string) => Buffer.from(word, 'latin1')

/** Approximate size of an entry in an uncompressed page. */
export const bytesOf = ({ word, postings }: WordEntry) => word.length + postings.end - postings.from

/** Packs sorted entries into pages. @param onEntry Called with each entry. */
export function* pagesOf(entries: Iterable<WordEntry>, onEntry: (entry: WordEntry) => void): Generator<WordPage> {
  let bytes = Buffer.allocUnsafe(2 * pageBytes)
  let [size, first, last] = [0, '', '']
  const page = (): WordPage => ({
    first: bytesOfWord(first),
    last: bytesOfWord(last),
    page: zstdCompressSync(bytes.subarray(0, size), { params: { [constants.ZSTD_c_compressionLevel]: level } }),
  })
  for (const entry of entries) {
    onEntry(entry)
    const { word, postings } = entry
    const length = postings.end - postings.from
    if (size > 0 && size + length > pageBytes) {
      yield page()
      size = 0
    }
    const needed = size + word.length + length + mostOfNumbers
    if (needed > bytes.length) bytes = Buffer.concat([bytes.subarray(0, size)], 2 * needed)
    if (size === 0) first = word
    last = word
    size = writeNumber(bytes, size, word.length)
    size += bytes.write(word, size, 'latin1')
    size = writeNumber(bytes, size, length)
    size += postings.bytes.copy(bytes, size, postings.from, postings.end)
  }
  if (size > 0) yield page()
}

export function inflatePage(page: Buffer): Buffer {
  return zstdDecompressSync(page, { maxOutputLength: mostInflated })
}

export function* entriesOf(page: Buffer): Generator<WordEntry> {
  const cursor = { bytes: page, at: 0 }
  while (cursor.at < page.length) {
    const length = readNumber(cursor)
    const word = page.toString('latin1', cursor.at, cursor.at + length)
    cursor.at += length
    const size = readNumber(cursor)
    yield { word, postings: { bytes: page, from: cursor.at, end: cursor.at + size } }
    cursor.at += size
  }
}

/** Finds the postings of a word, or of all words with this prefix. */
export function findInPage(page: Buffer, word: Buffer, isPrefix: boolean): Postings[] {
  const found: Postings[] = []
  const cursor = { bytes: page, at: 0 }
  while (cursor.at < page.length) {
    const length = readNumber(cursor)
    const end = cursor.at + length
    const compared = isPrefix ? Math.min(end, cursor.at + word.length) : end
    const order = page.compare(word, 0, word.length, cursor.at, compared)
    cursor.at = end
    const size = readNumber(cursor)
    if (order > 0) break
    if (order === 0) found.push({ bytes: page, from: cursor.at, end: cursor.at + size })
    cursor.at += size
  }
  return found
}
