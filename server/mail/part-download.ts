/** Streams a part of a message or a range of it, transfer-decoded, with back-pressure. */
import { createHash } from 'node:crypto'
import type { PartToRead } from '../imap/gateway-capabilities.ts'
import { Problem } from '../platform/problem.ts'
import { TransferDecoder } from '../reading/transfer-decoder.ts'
import { type ByteRange, type RequestedRange, rangeWithin } from './byte-range.ts'
import { type Mark, mostRanged, type PartMarks, PartMarksCache } from './part-marks.ts'

/** Returns a strong entity tag: a message is immutable under its UID and UIDVALIDITY. @param place As for `open`. */
export function tagOf(place: string): string {
  return `"${createHash('sha256').update(`${decodedBy}\0${place}`).digest('base64url').slice(0, 32)}"`
}

export interface PartSource {
  describe(): Promise<PartToRead | undefined>
  /** Undefined when the message is gone. */
  read(section: string, start: number, length: number): Promise<Buffer | undefined>
}

export interface OpenPart {
  name: string | null
  type: string
  /** Decoded size of the whole part; unknown until it was read to its end once. */
  size: number | undefined
  /** The range that `bytes` covers, when one was requested and is supported. */
  range: ByteRange | undefined
  /** True when ranges are supported. */
  hasRanges: boolean
  /** Must be read to its end, or ended with `return`. */
  bytes: Required<Pick<AsyncIterableIterator<Buffer>, 'next' | 'return' | typeof Symbol.asyncIterator>>
}

/** Increment when `TransferDecoder` changes its output: earlier downloads cannot be resumed then. */
const decodedBy = 1
/** Bytes in memory per download. */
const pieceBytes = 256 * 1024
const maxOfKey = 8
const maxOfAll = 64
const wholePart: ByteRange = { first: 0, last: Number.POSITIVE_INFINITY }
/** Pause after which a reader that takes nothing is treated as gone. */
const maxPauseMs = 120_000

export class PartDownloads {
  /** Number of downloads by caller. */
  readonly #open = new Map<string, number>()
  #count = 0
  readonly #marks = new PartMarksCache()

  /**
   * @param place Permanently unique name of the part.
   * @throws Problem when there is no such part or range, or when too many downloads are in progress.
   */
  async open(
    key: string,
    place: string,
    source: PartSource,
    asked?: RequestedRange,
    within?: Stretch,
  ): Promise<OpenPart> {
    this.#reserve(key)
    try {
      const part = await describe(source)
      const marks = this.#marks.of(place)
      if (within) return await this.#openWithin(key, { part, source, marks }, within, asked)
      const hasRanges = part.sizeBytes <= mostRanged
      const reading = { part, source, marks }
      const size = asked && hasRanges ? (marks.size ?? (await measure(reading))) : undefined
      const range = asked && size !== undefined ? rangeWithin(asked, size) : undefined
      const pieces = cut(decoded(reading, marks.before(range?.first ?? 0)), range ?? wholePart)
      const bytes = await this.#begin(key, pieces)
      return { name: part.name, type: part.type, size: marks.size, range, hasRanges, bytes }
    } catch (error) {
      this.#add(key, -1)
      throw error
    }
  }

  /** Opens packed content, whose length is known in advance. */
  async #openWithin(key: string, reading: Reading, within: Stretch, asked?: RequestedRange): Promise<OpenPart> {
    const { part, marks } = reading
    const hasRanges = part.sizeBytes <= mostRanged
    const range = asked && hasRanges ? rangeWithin(asked, within.length) : undefined
    const wanted = stretchOf(within, range)
    const bytes = await this.#begin(key, cut(decoded(reading, marks.before(wanted.first)), wanted))
    return { name: part.name, type: part.type, size: within.length, range, hasRanges, bytes }
  }

  /** Opens a stream made of several parts, as one download of its caller. */
  async openAll(key: string, pieces: AsyncGenerator<Buffer, undefined>): Promise<OpenPart['bytes']> {
    this.#reserve(key)
    try {
      return await this.#begin(key, pieces)
    } catch (error) {
      this.#add(key, -1)
      throw error
    }
  }

  /** Reads a whole part, or content packed in it, for `openAll`. @param place As for `open`. */
  async readWhole(place: string, source: PartSource, within?: Stretch): Promise<AsyncGenerator<Buffer, undefined>> {
    const part = await describe(source)
    const marks = this.#marks.of(place)
    const wanted = within ? stretchOf(within) : wholePart
    return cut(decoded({ part, source, marks }, marks.before(wanted.first)), wanted)
  }

  /** Awaits the first piece before the response begins, so that an error can still be reported. */
  async #begin(key: string, pieces: AsyncGenerator<Buffer, undefined>): Promise<Download> {
    return new Download(join(await pieces.next(), pieces), () => this.#add(key, -1))
  }

  #reserve(key: string): void {
    const mine = this.#open.get(key) ?? 0
    if (mine >= maxOfKey || this.#count >= maxOfAll) {
      throw new Problem('too_many_requests', 'Too many attachments are being downloaded. Try again in a moment.')
    }
    this.#add(key, 1)
  }

  #add(key: string, change: number): void {
    this.#count += change
    const mine = (this.#open.get(key) ?? 0) + change
    if (mine > 0) this.#open.set(key, mine)
    else this.#open.delete(key)
  }
}

async function describe(source: PartSource): Promise<PartToRead> {
  const part = await source.describe()
  if (!part) throw new Problem('message_not_found', 'The message no longer exists, or has no such part.')
  return part
}

/** Releases its slot once: at the end, on `return` (even before the first piece), or when the reader stalls. */
class Download {
  readonly #pieces: AsyncGenerator<Buffer, undefined>
  readonly #release: () => void
  #isReleased = false
  #pause: NodeJS.Timeout | undefined

  constructor(pieces: AsyncGenerator<Buffer, undefined>, release: () => void) {
    this.#pieces = pieces
    this.#release = release
    this.#watch()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Buffer, undefined>> {
    clearTimeout(this.#pause)
    if (this.#isReleased)
      throw new Problem('too_many_requests', 'The client read nothing of the attachment for two minutes.')
    try {
      const result = await this.#pieces.next()
      if (result.done) this.#end()
      else this.#watch()
      return result
    } catch (error) {
      this.#end()
      throw error
    }
  }

  async return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#end()
    return this.#pieces.return(undefined)
  }

  #watch(): void {
    this.#pause = setTimeout(() => this.#end(), maxPauseMs).unref()
  }

  #end(): void {
    clearTimeout(this.#pause)
    if (!this.#isReleased) this.#release()
    this.#isReleased = true
  }
}

/** A range of the decoded part. */
interface Stretch {
  offset: number
  length: number
}

function stretchOf(
  { offset, length }: Stretch,
  { first, last }: ByteRange = { first: 0, last: length - 1 },
): ByteRange {
  return { first: offset + first, last: offset + last }
}

interface Reading {
  part: PartToRead
  source: PartSource
  marks: PartMarks
}

interface Piece {
  /** Offset in the decoded part. */
  at: number
  bytes: Buffer
  /** Offset of the next piece in the encoded part. */
  start: number
}

/** @param from Mark of an earlier reading to continue from. */
async function* decoded({ part, source, marks }: Reading, from: Mark): AsyncGenerator<Piece, undefined> {
  const decoder = new TransferDecoder(part.encoding, from.rest)
  let { start, decoded: at } = from
  for (let isLast = false; !isLast; ) {
    const piece = await source.read(part.section, start, pieceBytes)
    if (!piece)
      throw new Problem(
        'message_not_found',
        'The message no longer exists: it was moved or deleted on the mail server.',
      )
    // A piece longer than requested is the whole part: some servers do not support partial fetches.
    isLast = piece.length !== pieceBytes
    const taken = decoder.push(piece)
    const bytes = isLast ? Buffer.concat([taken, decoder.end()]) : taken
    start += piece.length
    if (isLast) marks.size = at + bytes.length
    else marks.note(start, at + bytes.length, decoder)
    yield { at, bytes, start }
    at += bytes.length
  }
}

/** Measures the decoded size, continuing from the last mark; undefined when the part exceeds its announced size. */
async function measure(reading: Reading): Promise<number | undefined> {
  const { marks } = reading
  for await (const { start } of decoded(reading, marks.before(Number.POSITIVE_INFINITY))) {
    if (start > mostRanged) return undefined
  }
  return marks.size
}

async function* cut(pieces: AsyncIterable<Piece>, { first, last }: ByteRange): AsyncGenerator<Buffer, undefined> {
  if (last < first) return
  for await (const { at, bytes } of pieces) {
    const wanted = bytes.subarray(Math.max(0, first - at), Math.max(0, last + 1 - at))
    if (wanted.length > 0) yield wanted
    if (at + bytes.length > last) return
  }
}

async function* join(
  first: IteratorResult<Buffer, undefined>,
  rest: AsyncGenerator<Buffer, undefined>,
): AsyncGenerator<Buffer, undefined> {
  if (first.done) return
  yield first.value
  yield* rest
}
