/** Finds the marker of a literal at the end of a line, also where the network broke it: exactly where ImapFlow sees one too. */

/** Room for the marker of the longest literal that has a meaning, `{` 19 digits `}` CR, and for one digit more. */
const tailLength = 24

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
