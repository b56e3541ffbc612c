/**
 * Where in parts, as they were sent, what was read of them begins. How many bytes a part has without its transfer encoding is known only when
 * it was read, since nobody need keep to even lines: what one download has read, the next one need not read again to find its place.
 */
import type { TransferDecoder } from '../reading/transfer-decoder.ts'

/** A decoder with `rest` goes on at `start` of the encoded part, which is `decoded` without its encoding. */
export interface Mark {
  start: number
  decoded: number
  rest: Buffer
}

const everyBytes = 1024 * 1024
/** Parts that are encoded longer have no ranges: to find one, all before it would have to be read. */
export const mostRanged = 128 * 1024 * 1024
const mostParts = 200

export class PartMarks {
  readonly #marks: Mark[] = [{ start: 0, decoded: 0, rest: Buffer.alloc(0) }]
  /** Bytes without the encoding; undefined until somebody read to the end. */
  size: number | undefined

  /** The furthest of those at or before a byte. */
  before(decoded: number): Mark {
    return this.#marks.findLast(mark => mark.decoded <= decoded)!
  }

  note(start: number, decoded: number, { rest }: TransferDecoder): void {
    if (start < this.#marks.at(-1)!.start + everyBytes || start > mostRanged) return
    this.#marks.push({ start, decoded, rest: Buffer.from(rest) })
  }
}

/** Of the parts that were read last. A part never changes, so nothing in here goes stale. */
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
