/** Monotonic ids: later ones are greater, even if the clock is set back, and they cannot be guessed. */
import { randomBytes } from 'node:crypto'

/** Characters of the time part, milliseconds in base 36; sufficient until the year 5188. */
const timeLength = 9
const randomLength = 7
const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'

export function isRisingId(text: string): boolean {
  return /^[a-z][0-9a-z]{16}$/.test(text)
}

export class RisingIds {
  readonly #mark: string
  readonly #now: () => number
  #last = 0

  /** @param mark Prefix of all ids. */
  constructor(mark: string, now: () => number = Date.now) {
    this.#mark = mark
    this.#now = now
  }

  /** Makes further ids greater than an existing one. */
  startAfter(id: string | undefined): void {
    if (id === undefined) return
    const { length } = this.#mark
    this.#last = Math.max(this.#last, Number.parseInt(id.slice(length, length + timeLength), 36))
  }

  next(): string {
    this.#last = Math.max(this.#last + 1, this.#now())
    const random = [...randomBytes(randomLength)].map(byte => alphabet[byte % alphabet.length]).join('')
    return this.#mark + this.#last.toString(36).padStart(timeLength, '0') + random
  }
}
