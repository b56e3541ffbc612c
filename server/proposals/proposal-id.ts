/** Ids of proposals: later ones are greater, also when the clock is set back, and nobody can guess one. */
import { randomBytes } from 'node:crypto'

/** Of milliseconds in base 36: enough until the year 5188. */
const timeLength = 9
const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'

export class ProposalIds {
  readonly #now: () => number
  #last = 0

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Ids of before are smaller than those to come. */
  startAfter(id: string | undefined): void {
    if (id !== undefined) this.#last = Math.max(this.#last, Number.parseInt(id.slice(1, 1 + timeLength), 36))
  }

  next(): string {
    this.#last = Math.max(this.#last + 1, this.#now())
    const random = [...randomBytes(7)].map(byte => alphabet[byte % alphabet.length]).join('')
    return `p${this.#last.toString(36).padStart(timeLength, '0')}${random}`
  }
}
