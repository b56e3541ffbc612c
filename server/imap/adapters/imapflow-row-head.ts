/** Tells from its first bytes what a response is: a row of FETCH, another number (EXISTS, EXPUNGE), the end of a command, or words. */

const [nul, lf, cr, space, open, star, plus] = [0x00, 0x0a, 0x0d, 0x20, 0x28, 0x2a, 0x2b]
const fetchWord = 'FETCH'

export class RowHead {
  /** What was read: `*`, blank, number, blank, letters of FETCH, blank; 6 is the whole of it. */
  #step = 0
  #letters = 0
  #isTagged = false

  /** It was `* 1 FETCH (`. */
  get isRow(): boolean {
    return this.#step === 6
  }

  /** It begins with `* 1`: mailboxes say much of this kind by themselves. */
  get isNumbered(): boolean {
    return this.#step >= 3
  }

  /** It begins with a tag: a command has ended. */
  get isTagged(): boolean {
    return this.#isTagged
  }

  begin(): void {
    this.#step = this.#letters = 0
    this.#isTagged = false
  }

  /** @returns Whether it still may be a row; ImapFlow forgives NUL before it, and so do we. */
  accepts(byte: number): boolean {
    const isDigit = byte >= 0x30 && byte <= 0x39
    if (this.#step === 0) {
      if (byte === star) this.#step = 1
      this.#isTagged = byte !== star && byte !== nul && byte !== plus && byte !== cr && byte !== lf
      return byte === star || byte === nul
    }
    if (byte === space) {
      if (this.#step === 3 || (this.#step === 4 && this.#letters === fetchWord.length)) this.#step++
      return this.#step !== 4 || this.#letters === 0
    }
    if (this.#step <= 3) {
      if (isDigit) this.#step = 3
      return isDigit
    }
    if (byte === open && this.#letters === fetchWord.length) {
      this.#step = 6
      return true
    }
    return (byte & ~0x20) === fetchWord.charCodeAt(this.#letters++)
  }
}
