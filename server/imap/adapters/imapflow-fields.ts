/**
 * Ends each field of a header that is too long, in place, as its bytes come in: what reads its value takes time with the square of its length.
 * A header keeps its length, since that was announced before; what is past the bound becomes a field of its own that means nothing.
 */

/** Content-Type and Content-Transfer-Encoding, of which something is read, are far shorter. */
const maxFieldBytes = 2048
const nextField = Buffer.from('\r\nX-Cut: ')
const [lf, cr, tab, space] = [0x0a, 0x0d, 0x09, 0x20]

/** For one header. */
export class FieldLimiter {
  #isLineStart = true
  #fieldBytes = 0
  /** How much of the next field's name is written. */
  #written = 0

  cut(chunk: Buffer, from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const byte = chunk[at]!
      // A line that begins with a blank goes on with the field before it.
      if (this.#isLineStart && byte !== space && byte !== tab) this.#fieldBytes = this.#written = 0
      this.#isLineStart = byte === lf
      if (++this.#fieldBytes <= maxFieldBytes || this.#written === nextField.length) continue
      if (byte === lf || byte === cr) this.#written = 0
      else chunk[at] = nextField[this.#written++]!
    }
  }
}
