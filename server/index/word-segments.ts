/**
 * Builds segments, the sorted words of the messages of one write, and merges several into one. A segment supersedes the
 * data of the same messages in older ones, which is dropped when they are merged.
 */
import { type TextRow, textFields, wordsOf } from './full-text.ts'
import { filler } from './fulltext.ts'
import { pushNumber } from './word-bytes.ts'
import { entriesOf, inflatePage, type WordEntry } from './word-pages.ts'
import { allFields, joinPostings, type PostedRows, placeOfWord, readPostings, writePostings } from './word-postings.ts'

export interface Segment {
  /** Messages whose words are in the segment, ascending. */
  rows: number[]
  /** Messages whose data in older segments is dead, ascending. */
  gone: number[]
  entries: Iterable<WordEntry>
}

interface Written {
  bytes: number[]
  lastRow: number
}

/** Builds a segment. @param base Row ids are stored relative to it. */
export function segmentOf(texts: readonly TextRow[], base: number): Segment & { entries: WordEntry[] } {
  const written = new Map<string, Written>()
  const sorted = texts.toSorted((one, other) => one.rowid - other.rowid)
  for (const text of sorted) {
    for (const [word, places] of placesOf(text)) {
      const known = written.get(word) ?? { bytes: [], lastRow: base }
      written.set(word, known)
      pushNumber(known.bytes, text.rowid - known.lastRow)
      pushNumber(known.bytes, places.length)
      for (const byte of places) known.bytes.push(byte)
      known.lastRow = text.rowid
    }
  }
  const rows = sorted.map(({ rowid }) => rowid)
  const entries = [...written].map(([word, { bytes }]) => {
    return { word: storedWord(word), postings: { bytes: Buffer.from(bytes), from: 0, end: bytes.length } }
  })
  return { rows, gone: rows, entries: entries.sort((one, other) => (one.word < other.word ? -1 : 1)) }
}

/** Returns the UTF-8 bytes of a word as a latin1 string, so that it sorts by bytes everywhere. */
export const storedWord = (word: string) => Buffer.from(word).toString('latin1')

/** Returns the encoded places of each word of a message. */
function placesOf(text: TextRow): Map<string, number[]> {
  const places = new Map<string, number[]>()
  const last = new Map<string, number>()
  for (const [field, name] of textFields.entries()) {
    for (const [at, word] of wordsOf(text, name).entries()) {
      if (word === filler) continue
      const place = placeOfWord(field, at)
      const known = places.get(word)
      const bytes = known ?? [0]
      if (!known) places.set(word, bytes)
      bytes[0]! |= 1 << field
      pushNumber(bytes, place - (last.get(word) ?? 0))
      last.set(word, place)
    }
  }
  return places
}

/**
 * Merges segments of adjacent age into one.
 * @param segments Segments, newest first.
 * @param newer Messages replaced or removed by segments newer than all of these.
 */
export function mergeSegments(segments: readonly Segment[], newer: ReadonlySet<number>, base: number): Segment {
  const dead = new Set(newer)
  const gone = new Set<number>()
  const inputs: Input[] = []
  const all: number[] = []
  for (const { rows, gone: replaced, entries } of segments) {
    const alive = rows.filter(row => !dead.has(row))
    for (const row of alive) all.push(row)
    if (alive.length > 0) inputs.push(new Input(entries, alive.length === rows.length ? undefined : new Set(alive)))
    for (const row of replaced) {
      dead.add(row)
      gone.add(row)
    }
  }
  return { rows: all.sort(byNumber), gone: [...gone].sort(byNumber), entries: mergedEntries(inputs, base) }
}

const byNumber = (one: number, other: number) => one - other

export function storedEntries(pages: readonly Buffer[]): Iterable<WordEntry> {
  return {
    *[Symbol.iterator]() {
      for (const page of pages) yield* entriesOf(inflatePage(page))
    },
  }
}

class Input {
  /** Messages to keep; undefined for all. */
  readonly alive: ReadonlySet<number> | undefined
  entry: WordEntry | undefined
  readonly #entries: Iterator<WordEntry>

  constructor(entries: Iterable<WordEntry>, alive: ReadonlySet<number> | undefined) {
    this.alive = alive
    this.#entries = entries[Symbol.iterator]()
    this.next()
  }

  next(): void {
    const { value, done } = this.#entries.next()
    this.entry = done ? undefined : value
  }
}

function* mergedEntries(inputs: readonly Input[], base: number): Generator<WordEntry> {
  for (;;) {
    let word: string | undefined
    for (const { entry } of inputs) if (entry && (word === undefined || entry.word < word)) word = entry.word
    if (word === undefined) return
    const having = inputs.filter(({ entry }) => entry?.word === word)
    const postings = merged(having, base)
    if (postings) yield { word, postings }
    for (const input of having) input.next()
  }
}

function merged(inputs: readonly Input[], base: number): WordEntry['postings'] | undefined {
  const [first] = inputs
  if (inputs.length === 1 && !first!.alive) return first!.entry!.postings
  if (inputs.every(({ alive }) => !alive)) {
    const joined = joinPostings(
      inputs.map(({ entry }) => entry!.postings),
      base,
    )
    if (joined) return { bytes: joined, from: 0, end: joined.length }
  }
  const posted: { row: number; of: PostedRows; index: number }[] = []
  for (const { alive, entry } of inputs) {
    const of = readPostings(entry!.postings, base, allFields)
    for (const [index, row] of of.rows.entries()) if (alive?.has(row) ?? true) posted.push({ row, of, index })
  }
  if (posted.length === 0) return undefined
  posted.sort((one, other) => one.row - other.row)
  const bytes = writePostings(
    {
      bytes: posted[0]!.of.bytes,
      rows: posted.map(({ row }) => row),
      from: posted.map(({ of, index }) => of.from[index]!),
      end: posted.map(({ of, index }) => of.end[index]!),
    },
    index => posted[index]!.of.bytes,
    base,
  )
  return { bytes, from: 0, end: bytes.length }
}
