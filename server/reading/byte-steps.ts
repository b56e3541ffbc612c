/**
 * Feeds a binary format that arrives in pieces to a generator that parses it step by step; buffers only the bytes
 * requested.
 */

/** Yields the number of bytes that it wants; a negative number skips them. */
export type Steps<Result> = Generator<number, Result, Buffer>

/** Thrown when a length exceeds its container. */
export class Damaged extends Error {}

const nothing = Buffer.alloc(0)

export class ByteSteps {
  /** Offset of the next byte. */
  at = 0
  /** Sum of all bytes since it was set to zero. */
  sum = 0
  /** True when no more bytes are wanted. */
  isDone = false
  /** Remaining steps, which bound the work whatever the lengths in the format say. */
  #left: number
  #steps: Steps<void> | undefined
  /** Bytes still missing for this step, and those buffered. */
  #missing = 0
  #isKept = false
  #held: Buffer[] = []

  constructor(maxSteps: number) {
    this.#left = maxSteps
  }

  run(steps: Steps<void>): void {
    this.#steps = steps
    this.#next()
  }

  push(piece: Buffer): void {
    for (let from = 0; from < piece.length && !this.isDone; ) {
      const taken = piece.subarray(from, from + this.#missing)
      from += taken.length
      this.at += taken.length
      for (const byte of taken) this.sum += byte
      if (this.#isKept) this.#held.push(taken)
      this.#missing -= taken.length
      if (this.#missing === 0) this.#next()
    }
  }

  /** Reads bytes. @param end End of their container. */
  *take(length: number, end: number): Steps<Buffer> {
    if (length > end - this.at) throw new Damaged('a length is too long')
    return length > 0 ? yield length : nothing
  }

  /** Reads a little-endian number of four bytes. */
  *number(end: number): Steps<number> {
    return (yield* this.take(4, end)).readUInt32LE()
  }

  *skip(length: number, end: number): Steps<void> {
    if (length > end - this.at) throw new Damaged('a length is too long')
    if (length > 0) yield -length
  }

  get hasSteps(): boolean {
    return this.#left > 0
  }

  /** Counts one inspected element against the bound on steps. */
  count(): void {
    if (this.#left <= 0) throw new Damaged('too many')
    this.#left--
  }

  #next(): void {
    let bytes = Buffer.concat(this.#held)
    this.#held = []
    do {
      const { done, value } = this.#steps!.next(bytes)
      this.isDone = done ?? false
      this.#missing = Math.abs(value ?? 0)
      this.#isKept = (value ?? 0) > 0
      bytes = nothing
    } while (this.#missing === 0 && !this.isDone)
  }
}
