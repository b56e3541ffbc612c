/** Ids that rise: later ones are greater, also when the clock is set back, and nobody can guess one. */
import { randomBytes } from 'node:crypto'

/** Of milliseconds in base 36: enough until the year 5188. */
const timeLength = 9
const randomLength = 7
const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'

export class RisingIds {
  readonly #mark: string
  readonly #now: () => number
  #last = 0

  /** @param mark With which all of them begin. */
  constructor(mark: string, now: () => number = Date.now) {
    this.#mark = mark
    this.#now = now
  }

  /** Ids of before are smaller than those to come. */
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
