/**
 * Marks in parts from which decoding can resume. The decoded size of a part is unknown before it was read, since line
 * lengths vary: what one download has read, the next one need not read again to find its offset.
 */
import type { TransferDecoder } from '../reading/transfer-decoder.ts'

/**
 * A resumption point: a decoder with `rest` continues at `start` of the encoded part and `decoded` of the decoded one.
 */
export interface Mark {
  start: number
  decoded: number
  rest: Buffer
}

const everyBytes = 1024 * 1024
/** Encoded bytes above which a part supports no ranges, since finding one requires reading everything before it. */
export const mostRanged = 128 * 1024 * 1024
const mostParts = 200

export class PartMarks {
  readonly #marks: Mark[] = [{ start: 0, decoded: 0, rest: Buffer.alloc(0) }]
  /** Decoded bytes; undefined until the part was read to its end. */
  size: number | undefined

  /** Returns the last mark at or before an offset. */
  before(decoded: number): Mark {
    return this.#marks.findLast(mark => mark.decoded <= decoded)!
  }

  note(start: number, decoded: number, { rest }: TransferDecoder): void {
    if (start < this.#marks.at(-1)!.start + everyBytes || start > mostRanged) return
    this.#marks.push({ start, decoded, rest: Buffer.from(rest) })
  }
}

/** LRU cache of marks. Parts are immutable, so it never becomes stale. */
export class PartMarksCache {
  readonly #parts = new Map<string, PartMarks>()

  /** @param key Account, folder, UIDVALIDITY, UID and part. */
  of(key: string): PartMarks {
    const marks = this.#parts.get(key) ?? new PartMarks()
    this.#parts.delete(key)
    this.#parts.set(key, marks)
    if (this.#parts.size > mostParts) this.#parts.delete(this.#parts.keys().next().value!)
    return marks
  }
}
