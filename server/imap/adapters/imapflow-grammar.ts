/** What the bytes of a mail server's answer are, recognised as they come in: how a response begins, names of items, markers of literals. */

const [nul, lf, cr, space, open, close] = [0x00, 0x0a, 0x0d, 0x20, 0x28, 0x29]
const [star, plus, bracket, bracketEnd, braceEnd] = [0x2a, 0x2b, 0x5b, 0x5d, 0x7d]
const fetchWord = 'FETCH'
const maxNameLength = 100
/** Room for the marker of the longest literal that has a meaning, `{` 19 digits `}` CR, and for one digit more. */
const tailLength = 24

/** Tells from its first bytes what a response is: a row of FETCH, another number (EXISTS, EXPUNGE), the end of a command, or words. */

export class RowHead {
  /** What was read: `*`, blank, number, blank, letters of FETCH, blank; 6 is the whole of it. */
  #step = 0
  #letters = 0
  #isTagged = false

  /** Nothing of the response was read yet. */
  get isAtStart(): boolean {
    return this.#step === 0 && !this.#isTagged
  }

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

/** The name of an item in a row of FETCH, as its bytes come in: `FLAGS`, `BODY[HEADER.FIELDS (FROM TO)]<0>`. */
export class ItemName {
  /** A string that grows by a letter at a time is garbage for each of them. */
  readonly #bytes = Buffer.alloc(maxNameLength)
  #length = 0
  #isInSection = false

  get text(): string {
    return this.#bytes.toString('latin1', 0, this.#length)
  }

  get isHeader(): boolean {
    return /^BODY\[[\d.]*(HEADER|MIME)/i.test(this.text)
  }

  begin(): void {
    this.#length = 0
    this.#isInSection = false
  }

  /** @returns Whether the name has ended at this byte, or the row, or neither. */
  read(byte: number): 'name' | 'row' | undefined {
    if (byte === bracket) this.#isInSection = true
    else if (byte === bracketEnd) this.#isInSection = false
    if (!this.#isInSection && byte === close) return 'row'
    if (!this.#isInSection && (byte === space || byte === open)) return this.#length === 0 ? undefined : 'name'
    if (this.#length < maxNameLength) this.#bytes[this.#length++] = byte
    return undefined
  }
}

/** Finds the marker of a literal at the end of a line, also where the network broke it: exactly where ImapFlow sees one. */
export class LiteralMarker {
  /** The end of the line so far, as far as it came with earlier chunks. */
  #tail = ''
  /** Where the line began in this chunk, or where it goes on behind a literal. */
  #lineAt = 0

  /** With the next chunk. */
  begin(): void {
    this.#lineAt = 0
  }

  beginLine(at: number): void {
    this.#lineAt = at
    this.#tail = ''
  }

  /** The chunk ends here. */
  end(chunk: Buffer, at: number): void {
    this.#tail = this.#lineBefore(chunk, at)
  }

  /** The size of the literal that is announced before this line end. */
  sizeBefore(chunk: Buffer, at: number): number | undefined {
    // Most lines end with no brace, and are wholly in this chunk as far as that tells.
    if (at - this.#lineAt >= 2 && chunk[chunk[at - 1] === cr ? at - 2 : at - 1] !== braceEnd) return undefined
    const line = this.#lineBefore(chunk, at)
    const [, start, digits] = /(\{|^)(\d+)\}\r?$/.exec(line) ?? []
    if (digits === undefined || (start === '' && line.length < tailLength)) return undefined
    return start === '' ? Number.POSITIVE_INFINITY : Number(digits)
  }

  #lineBefore(chunk: Buffer, at: number): string {
    const start = Math.max(this.#lineAt, at - tailLength)
    return (this.#tail + chunk.toString('latin1', start, at)).slice(-tailLength)
  }
}

/** `* 4294967295 FETCH (UID 4294967295 MODSEQ (9223372036854775807))` and its line end. */
const longestSilentRow = 70
const silentRow = /^\* \d{1,10} FETCH \((?:UID (\d{1,10}) MODSEQ \(\d{1,19}\)|MODSEQ \(\d{1,19}\) UID (\d{1,10}))\)\r\n/

/** Of a row that begins here and holds a UID and its MODSEQ, and nothing else, where it ends; undefined where none does. */
export function silentRowAt(chunk: Buffer, from: number): { uid: number; end: number } | undefined {
  if (chunk[from] !== star) return undefined
  const row = silentRow.exec(chunk.toString('latin1', from, from + longestSilentRow))
  return row ? { uid: Number(row[1] ?? row[2]), end: from + row[0].length } : undefined
}
