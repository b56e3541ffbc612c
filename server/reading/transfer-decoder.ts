/**
 * Takes the transfer encoding off a part (RFC 2045, section 6), piece by piece as they come. Strangers chose the bytes: whatever they
 * are, each costs the same, and a piece of 256 KiB no more than some milliseconds.
 */

const [equals, cr, lf, space, tab] = [0x3d, 0x0d, 0x0a, 0x20, 0x09]
/** In tables: what is no letter of the encoding, and what ends a group of base64. */
const [none, padding] = [255, 64]
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const base64Values = tableOf([...letters, '='].map((letter, value) => [letter, value]))
const hexValues = tableOf([...'0123456789abcdef', ...'ABCDEF'].map((digit, at) => [digit, at < 16 ? at : at - 6]))

/** Bytes of a piece that is worth looking at, and of a line at most. */
const [leastRegular, shortestLine, longestLine] = [4_096, 6, 1_000]
/** Decoded at a time: strings of this length are collected with all that is short-lived, longer ones only with everything else. */
const sliceBytes = 16_384
const unlike = [...'=-_'].map(letter => letter.charCodeAt(0))

/** Of a piece whose lines are of one length, but for the first and the last. */
interface Lines {
  /** Where the first one ends. */
  first: number
  /** With what ends it. */
  length: number
  /** How many bytes end lines. */
  breaks: number
}

function linesOf(piece: Buffer): Lines | undefined {
  const first = piece.indexOf(lf)
  const length = piece.indexOf(lf, first + 1) - first
  if (first < 0 || first > longestLine || length < shortestLine || length > longestLine) return undefined
  const isPair = piece[first + length - 1] === cr
  let ends = 0
  for (let at = first; at < piece.length; at += length) {
    if (piece[at] !== lf || (at > 0 && (piece[at - 1] === cr) !== isPair)) return undefined
    ends++
  }
  // The pair may be cut in two on either side.
  const isCutBefore = isPair && first === 0
  const isCutAfter = isPair && piece.at(-1) === cr
  const breaks = ends * (isPair ? 2 : 1) - (isCutBefore ? 1 : 0) + (isCutAfter ? 1 : 0)
  return { first, length, breaks }
}

export class TransferDecoder {
  readonly #encoding: string
  /** The end of the last piece, of which it is not known what it means. */
  #rest: Buffer = Buffer.alloc(0)
  /** Of base64: the letters of the group that is open, six bits each, and how many there are. */
  #bits = 0
  #count = 0

  /**
   * @param encoding In small letters; one that is not known changes nothing.
   * @param rest Of a decoder that stopped where this one goes on.
   */
  constructor(encoding: string, rest: Buffer = Buffer.alloc(0)) {
    this.#encoding = encoding.replaceAll(/\([^()]*\)/g, '').trim()
    if (this.#encoding === 'base64') this.#base64(rest, false)
    else this.#rest = rest
  }

  /** What of the pieces so far waits for the next one; never more than a kilobyte. */
  get rest(): Buffer {
    if (this.#encoding !== 'base64') return this.#rest
    const open = Array.from(
      { length: this.#count },
      (_, at) => letters[(this.#bits >> (6 * (this.#count - 1 - at))) & 63],
    )
    return Buffer.from(open.join(''), 'latin1')
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
    const regular = this.#regularBase64(piece)
    if (regular) return regular
    const out = Buffer.alloc(piece.length + 3)
    let length = 0
    let [bits, count] = [this.#bits, this.#count]
    for (let at = 0; at <= piece.length; at++) {
      const value = at < piece.length ? base64Values[piece[at]!]! : isEnd ? padding : none
      if (value === none) continue
      if (value === padding) {
        if (count === 2) out[length++] = bits >> 4
        if (count === 3) {
          out[length++] = bits >> 10
          out[length++] = bits >> 2
        }
        bits = count = 0
        continue
      }
      bits = (bits << 6) | value
      if (++count < 4) continue
      out[length++] = bits >> 16
      out[length++] = bits >> 8
      out[length++] = bits
      bits = count = 0
    }
    ;[this.#bits, this.#count] = [bits, count]
    return out.subarray(0, length)
  }

  /**
   * Lines of one length and nothing but letters, as programs write them: Node decodes them in a quarter of the time, in which others would wait.
   * It passes over what is no letter, as we do, but then the length is not what it must be, and nothing was taken: undefined.
   */
  #regularBase64(piece: Buffer): Buffer | undefined {
    // Node ends at padding, and takes the letters of base64url.
    if (piece.length < leastRegular || unlike.some(byte => piece.includes(byte))) return undefined
    const lines = linesOf(piece)
    if (lines === undefined) return undefined
    const letters = this.#count + piece.length - lines.breaks
    const open = letters % 4
    let end = piece.length
    for (let left = open; left > 0; ) if (base64Values[piece[--end]!] !== none) left--
    const bytes = Buffer.allocUnsafeSlow(((letters - open) / 4) * 3)
    // Cut where groups end: so many letters into a line, and then four lines on, or eight, and so on.
    const before = this.#count + lines.first - (piece[lines.first - 1] === cr ? 1 : 0)
    const step = 4 * Math.max(1, Math.floor(sliceBytes / (4 * lines.length))) * lines.length
    let length = 0
    let from = 0
    for (let to = lines.first + 1 + ((4 - (before % 4)) % 4); from < end; to += step) {
      const text = piece.toString('latin1', from, Math.min(to, end))
      length += bytes.write(from === 0 ? this.rest.toString('latin1') + text : text, length, 'base64')
      from = to
    }
    if (length !== bytes.length) return undefined
    ;[this.#bits, this.#count] = [0, 0]
    for (const byte of piece.subarray(end)) {
      const value = base64Values[byte]!
      if (value !== none) [this.#bits, this.#count] = [(this.#bits << 6) | value, this.#count + 1]
    }
    return bytes
  }

  #quotedPrintable(piece: Buffer, isEnd: boolean): Buffer {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, piece]) : piece
    const out = Buffer.alloc(bytes.length)
    let [length, at] = [0, 0]
    this.#rest = Buffer.alloc(0)
    while (at < bytes.length) {
      const byte = bytes[at]!
      if (byte === space || byte === tab) {
        // Blanks at the end of a line were put there on the way.
        const end = endOfBlanks(bytes, at)
        if (end === bytes.length && !isEnd && end - at < 1000) break
        const isLineEnd = end < bytes.length && (bytes[end] === cr || bytes[end] === lf)
        // All of them at once: to look for their end again from each of them would take the square of the time.
        if (!isLineEnd) length += bytes.copy(out, length, at, end)
        at = end
        continue
      }
      if (byte === equals) {
        const end = endOfBlanks(bytes, at + 1)
        if (end + 1 >= bytes.length && !isEnd && bytes.length - at < 1000) break
        if (bytes[end] === lf || bytes[end] === cr || end === bytes.length) {
          at = bytes[end] === cr && bytes[end + 1] === lf ? end + 2 : end + 1
          continue
        }
        const [high, low] = [hexValues[bytes[at + 1] ?? 0]!, hexValues[bytes[at + 2] ?? 0]!]
        if (high !== none && low !== none) {
          out[length++] = high * 16 + low
          at += 3
          continue
        }
      }
      out[length++] = byte
      at++
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

function tableOf(entries: [letter: string, value: number][]): Uint8Array {
  const table = new Uint8Array(256).fill(none)
  for (const [letter, value] of entries) table[letter.charCodeAt(0)] = value
  return table
}
