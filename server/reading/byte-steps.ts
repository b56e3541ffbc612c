/** Bytes of a binary format that come in pieces, for a generator that reads them step by step: no more is held than it asked for. */

/** Yields how many bytes it wants; a negative number passes them over. */
export type Steps<Result> = Generator<number, Result, Buffer>

/** A length is longer than what it stands in. */
export class Damaged extends Error {}

const nothing = Buffer.alloc(0)

export class ByteSteps {
  /** Where reading has come to. */
  at = 0
  /** Of all bytes since somebody set it to zero. */
  sum = 0
  /** Nothing more is wanted. */
  isDone = false
  /** Steps that a text may make of a format, whatever its lengths say. */
  #left: number
  #steps: Steps<void> | undefined
  /** Bytes that are still to come for this step, and those that came. */
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

  /** @param end Of what the bytes are in. */
  *take(length: number, end: number): Steps<Buffer> {
    if (length > end - this.at) throw new Damaged('a length is too long')
    return length > 0 ? yield length : nothing
  }

  /** Little-endian, of four bytes. */
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

  /** One of the things that are looked at. */
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
