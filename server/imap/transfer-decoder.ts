/** Takes the transfer encoding off a part (RFC 2045, section 6), piece by piece as they come. */

const [equals, cr, lf, space, tab] = [0x3d, 0x0d, 0x0a, 0x20, 0x09]

export class TransferDecoder {
  readonly #encoding: string
  /** The end of the last piece, of which it is not known what it means. */
  #rest: Buffer

  /**
   * @param encoding In small letters; one that is not known changes nothing.
   * @param rest Of a decoder that stopped where this one goes on.
   */
  constructor(encoding: string, rest: Buffer = Buffer.alloc(0)) {
    this.#rest = rest
    this.#encoding = encoding.replaceAll(/\([^()]*\)/g, '').trim()
  }

  /** What of the pieces so far waits for the next one; never more than a kilobyte. */
  get rest(): Buffer {
    return this.#rest
  }

  push(piece: Buffer): Buffer {
    if (this.#encoding === 'base64') return this.#base64(piece, false)
    if (this.#encoding === 'quoted-printable') return this.#quotedPrintable(piece, false)
    return piece
  }

  end(): Buffer {
    const nothing = Buffer.alloc(0)
    if (this.#encoding === 'base64') return this.#base64(nothing, true)
    return this.#encoding === 'quoted-printable' ? this.#quotedPrintable(nothing, true) : nothing
  }

  /** By groups of four letters; padding ends a group, wherever it stands, as where files were put together. */
  #base64(piece: Buffer, isEnd: boolean): Buffer {
    const letters = (this.#rest.toString('latin1') + piece.toString('latin1')).replaceAll(/[^A-Za-z0-9+/=]/g, '')
    const out: Buffer[] = []
    let from = 0
    for (let at = letters.indexOf('='); at >= 0; at = letters.indexOf('=', from)) {
      out.push(Buffer.from(letters.slice(from, at), 'base64'))
      from = at
      while (letters[from] === '=') from++
    }
    const left = letters.slice(from)
    const whole = isEnd ? left.length : left.length - (left.length % 4)
    out.push(Buffer.from(left.slice(0, whole), 'base64'))
    this.#rest = Buffer.from(left.slice(whole), 'latin1')
    return Buffer.concat(out)
  }

  #quotedPrintable(piece: Buffer, isEnd: boolean): Buffer {
    const bytes = Buffer.concat([this.#rest, piece])
    const out = Buffer.alloc(bytes.length)
    let [length, at] = [0, 0]
    this.#rest = Buffer.alloc(0)
    for (; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (byte === space || byte === tab) {
        // Blanks at the end of a line were put there on the way.
        const end = endOfBlanks(bytes, at)
        if (end === bytes.length && !isEnd && end - at < 1000) break
        if (end < bytes.length && (bytes[end] === cr || bytes[end] === lf)) {
          at = end - 1
          continue
        }
      } else if (byte === equals) {
        const end = endOfBlanks(bytes, at + 1)
        if (end + 1 >= bytes.length && !isEnd && bytes.length - at < 1000) break
        if (bytes[end] === lf || bytes[end] === cr || end === bytes.length) {
          at = bytes[end] === cr && bytes[end + 1] === lf ? end + 1 : end
          continue
        }
        const code = bytes.toString('latin1', at + 1, at + 3)
        if (/^[\da-f]{2}$/i.test(code)) {
          out[length++] = Number.parseInt(code, 16)
          at += 2
          continue
        }
      }
      out[length++] = byte
    }
    this.#rest = Buffer.from(bytes.subarray(at))
    return out.subarray(0, length)
  }
}

function endOfBlanks(bytes: Buffer, from: number): number {
  let at = from
  while (bytes[at] === space || bytes[at] === tab) at++
  return at
}
