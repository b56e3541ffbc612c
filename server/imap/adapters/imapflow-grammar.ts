/**
 * Recognises the syntax of server responses as their bytes arrive: the beginning of a response, item names, literal
 * markers.
 */

const [nul, lf, cr, space, open, close] = [0x00, 0x0a, 0x0d, 0x20, 0x28, 0x29]
const [star, plus, bracket, bracketEnd, braceEnd] = [0x2a, 0x2b, 0x5b, 0x5d, 0x7d]
const fetchWord = 'FETCH'
const maxNameLength = 100
/** Room for the longest valid literal marker, `{` 19 digits `}` CR, plus one digit. */
const tailLength = 24

/**
 * Classifies a response by its first bytes: a FETCH row, another number (EXISTS, EXPUNGE), a command completion, or
 * words.
 */

export class RowHead {
  /** Progress: `*`, blank, number, blank, letters of FETCH, blank; 6 when all of it was read. */
  #step = 0
  #letters = 0
  #isTagged = false

  /** True before any byte of the response. */
  get isAtStart(): boolean {
    return this.#step === 0 && !this.#isTagged
  }

  /** True after `* 1 FETCH (`. */
  get isRow(): boolean {
    return this.#step === 6
  }

  /** True when it begins with `* 1`, as most unsolicited updates do. */
  get isNumbered(): boolean {
    return this.#step >= 3
  }

  /** True when it begins with a tag: it completes a command. */
  get isTagged(): boolean {
    return this.#isTagged
  }

  begin(): void {
    this.#step = this.#letters = 0
    this.#isTagged = false
  }

  /** @returns Whether it may still be a row; a leading NUL is tolerated, as ImapFlow does. */
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

/** Parses the name of an item in a FETCH row as its bytes arrive: `FLAGS`, `BODY[HEADER.FIELDS (FROM TO)]<0>`. */
export class ItemName {
  /** A buffer, since appending letters to a string would create garbage for each. */
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

  /** @returns What ends at this byte: the name, the row, or neither. */
  read(byte: number): 'name' | 'row' | undefined {
    if (byte === bracket) this.#isInSection = true
    else if (byte === bracketEnd) this.#isInSection = false
    if (!this.#isInSection && byte === close) return 'row'
    if (!this.#isInSection && (byte === space || byte === open)) return this.#length === 0 ? undefined : 'name'
    if (this.#length < maxNameLength) this.#bytes[this.#length++] = byte
    return undefined
  }
}

/** Finds a literal marker at the end of a line, even when split over chunks, exactly where ImapFlow would. */
export class LiteralMarker {
  /** The last bytes of the line from earlier chunks. */
  #tail = ''
  /** Offset in this chunk where the line begins, or continues after a literal. */
  #lineAt = 0

  /** Called when a chunk begins. */
  begin(): void {
    this.#lineAt = 0
  }

  beginLine(at: number): void {
    this.#lineAt = at
    this.#tail = ''
  }

  /** Called when a chunk ends. */
  end(chunk: Buffer, at: number): void {
    this.#tail = this.#lineBefore(chunk, at)
  }

  /** Returns the size of the literal announced before this line end; undefined when there is none. */
  sizeBefore(chunk: Buffer, at: number): number | undefined {
    // Fast path: most lines do not end with a brace, and lie within this chunk as far as that matters.
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

/** Length of `* 4294967295 FETCH (UID 4294967295 MODSEQ (9223372036854775807))` with its line end. */
const longestSilentRow = 70
const silentRow = /^\* \d{1,10} FETCH \((?:UID (\d{1,10}) MODSEQ \(\d{1,19}\)|MODSEQ \(\d{1,19}\) UID (\d{1,10}))\)\r\n/

/** Returns the end of a row that begins here and holds only a UID and its MODSEQ; undefined when there is none. */
export function silentRowAt(chunk: Buffer, from: number): { uid: number; end: number } | undefined {
  if (chunk[from] !== star) return undefined
  const row = silentRow.exec(chunk.toString('latin1', from, from + longestSilentRow))
  return row ? { uid: Number(row[1] ?? row[2]), end: from + row[0].length } : undefined
}
