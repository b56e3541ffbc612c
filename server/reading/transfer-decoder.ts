/**
 * Removes the transfer encoding of a part (RFC 2045, section 6) while streaming. Costs the same for any bytes that
 * strangers choose: some milliseconds per 256 KiB.
 */

const [equals, cr, lf, space, tab] = [0x3d, 0x0d, 0x0a, 0x20, 0x09]
/** Table entries: not in the alphabet, and end of a base64 group. */
const [none, padding] = [255, 64]
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const base64Values = tableOf([...letters, '='].map((letter, value) => [letter, value]))
const hexValues = tableOf([...'0123456789abcdef', ...'ABCDEF'].map((digit, at) => [digit, at < 16 ? at : at - 6]))

/** Bounds of the fast path: bytes of a piece, and of its lines. */
const [leastRegular, shortestLine, longestLine] = [4_096, 6, 1_000]
/** Bytes decoded per slice: strings of this size are collected with the young generation, larger ones are not. */
const sliceBytes = 16_384
const unlike = [...'=-_'].map(letter => letter.charCodeAt(0))

/** The layout of a piece whose lines have one length, except for the first and the last. */
interface Lines {
  /** Offset of the first line feed. */
  first: number
  /** Length including the line end. */
  length: number
  /** Number of bytes in line ends. */
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
  // A CRLF may be split at either end.
  const isCutBefore = isPair && first === 0
  const isCutAfter = isPair && piece.at(-1) === cr
  const breaks = ends * (isPair ? 2 : 1) - (isCutBefore ? 1 : 0) + (isCutAfter ? 1 : 0)
  return { first, length, breaks }
}

export class TransferDecoder {
  readonly #encoding: string
  /** Undecoded end of the last piece, whose meaning depends on the next. */
  #rest: Buffer = Buffer.alloc(0)
  /** Base64: bits of the open group, six per letter, and its number of letters. */
  #bits = 0
  #count = 0

  /**
   * @param encoding In lower case; an unknown one passes bytes through.
   * @param rest The `rest` of a decoder to continue.
   */
  constructor(encoding: string, rest: Buffer = Buffer.alloc(0)) {
    this.#encoding = encoding.replaceAll(/\([^()]*\)/g, '').trim()
    if (this.#encoding === 'base64') this.#base64(rest, false)
    else this.#rest = rest
  }

  /** Input not decoded yet, which waits for the next piece; at most a kilobyte. */
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

  /** Decodes groups of four letters; padding ends a group anywhere, as in concatenated files. */
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
   * Fast path for lines of one length without other characters, as programs write them: Node decodes them in a quarter
   * of the time. Undefined without consuming anything when the decoded length shows that other characters were skipped.
   */
  #regularBase64(piece: Buffer): Buffer | undefined {
    // Node stops at padding, and accepts the letters of base64url.
    if (piece.length < leastRegular || unlike.some(byte => piece.includes(byte))) return undefined
    const lines = linesOf(piece)
    if (lines === undefined) return undefined
    const letters = this.#count + piece.length - lines.breaks
    const open = letters % 4
    let end = piece.length
    for (let left = open; left > 0; ) if (base64Values[piece[--end]!] !== none) left--
    const bytes = Buffer.allocUnsafeSlow(((letters - open) / 4) * 3)
    // Slices end at group boundaries: at an offset into a line, and then every so many lines.
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
        // Trailing blanks of a line were added in transit.
        const end = endOfBlanks(bytes, at)
        if (end === bytes.length && !isEnd && end - at < 1000) break
        const isLineEnd = end < bytes.length && (bytes[end] === cr || bytes[end] === lf)
        // Copies the whole run, since searching its end from each blank would take quadratic time.
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
