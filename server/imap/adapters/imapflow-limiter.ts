/**
 * Filters the server's stream byte by byte before ImapFlow, and bounds what strangers control: the lists in FETCH rows
 * and whole headers. Everything else passes unchanged, up to a maximum line and row length.
 */
import { floods, type Taken } from './imapflow-budget.ts'
import { ItemName, LiteralMarker, RowHead, silentRowAt } from './imapflow-grammar.ts'
import { ByteSink } from './imapflow-sink.ts'
import { encodeCuts, limitsOf, ValueLimiter } from './imapflow-value.ts'

const [tab, lf, cr, space, quote, open, close, backslash, brace] = [
  0x09, 0x0a, 0x0d, 0x20, 0x22, 0x28, 0x29, 0x5c, 0x7b,
]
/** Maximum bytes of a field; Content-Type and Content-Transfer-Encoding, which are parsed, are far shorter. */
const maxFieldBytes = 2048
const nextField = Buffer.from('\r\nX-Cut: ')

/**
 * Splits overlong fields of a header in place, since parsing takes time quadratic in their length. The header's length
 * was already announced and stays: the excess becomes a field without meaning.
 */
class FieldLimiter {
  #isLineStart = true
  #fieldBytes = 0
  /** Bytes written of the next field's name. */
  #written = 0

  cut(chunk: Buffer, from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const byte = chunk[at]!
      // A line that begins with a blank continues the field before it.
      if (this.#isLineStart && byte !== space && byte !== tab) this.#fieldBytes = this.#written = 0
      this.#isLineStart = byte === lf
      if (++this.#fieldBytes <= maxFieldBytes || this.#written === nextField.length) continue
      if (byte === lf || byte === cr) this.#written = 0
      else chunk[at] = nextField[this.#written++]!
    }
  }
}

export interface LimiterOptions {
  /** A longer literal ends the connection. */
  maxLiteralBytes?: number
  bounds?: Bounds
}

/** Bounds may change with each line. */
interface Bounds {
  /** Maximum bytes of a line other than a FETCH row. */
  readonly lineBytes: number
  /** Drop rows with only UID and MODSEQ: parsing a thousand takes ImapFlow longer than the change itself. */
  readonly isSilent: boolean
  /** Called with the UID of each dropped row. */
  changed?(uid: number): void
}

/** Maximum bytes of a literal in headers and lists, of which little is kept. */
const defaultMaxLiteralBytes = 64 * 1024 * 1024
/** Maximum bytes of a literal that is kept whole: parts are fetched in pieces of a quarter of it. */
const maxKeptLiteralBytes = 1024 * 1024
/** Maximum bytes passed on of one row. */
const maxRowBytes = 2 * 1024 * 1024
/** Without a budget, as in tests, lines are unbounded. */
const unbounded: Bounds = { lineBytes: Number.POSITIVE_INFINITY, isSilent: false }
/** Bytes kept of the header of a message or part, which can only be requested whole. */
export const maxHeaderBytes = 256 * 1024

/** `head`: may be a FETCH row; `line`: rest of another response; `name` to `list`: in a row; `lost`: a bad row. */
type State = 'head' | 'line' | 'name' | 'value' | 'atom' | 'quoted' | 'escaped' | 'marker' | 'list' | 'lost'

export class ResponseLimiter {
  readonly #maxLiteralBytes: number
  readonly #bounds: Bounds
  readonly #sink = new ByteSink()
  #state: State = 'head'
  readonly #marker = new LiteralMarker()
  readonly #head = new RowHead()
  /** Bytes of the unfinished response passed on before this chunk, and the output offset where it began in this one. */
  #kept = 0
  #keptAt = 0
  #taken: Taken = { bytes: 0, numbers: 0, words: 0, tagged: 0 }
  readonly #name = new ItemName()
  readonly #list = new ValueLimiter(this.#sink)
  #cuts = new Map<string, number>()
  /** Bytes of a literal still to arrive, and the number of them to keep when that is not all. */
  #literalLeft = 0
  #literalKept: number | undefined
  /** Set while the literal is a header. */
  #fields: FieldLimiter | undefined

  constructor({ maxLiteralBytes = defaultMaxLiteralBytes, bounds = unbounded }: LimiterOptions = {}) {
    this.#maxLiteralBytes = maxLiteralBytes
    this.#bounds = bounds
  }

  /** Bytes and lines consumed of the last chunk. */
  get taken(): Readonly<Taken> {
    return this.#taken
  }

  /** Bytes of the unfinished response, which ImapFlow buffers. */
  get keptBytes(): number {
    return this.#kept
  }

  /**
   * Reads the chunk to its end, or until `maxLines` lines have ended: `taken` says how far.
   * @returns The bytes for ImapFlow; often the same buffer, sometimes empty.
   * @throws Error with a code when the server announces or sends more than any response may hold.
   */
  push(chunk: Buffer, maxLines = Number.POSITIVE_INFINITY): Buffer {
    this.#sink.begin(chunk)
    this.#marker.begin()
    const taken: Taken = { bytes: 0, numbers: 0, words: 0, tagged: 0 }
    this.#taken = taken
    this.#keptAt = 0
    let at = 0
    while (at < chunk.length && taken.numbers + taken.words < maxLines) {
      at = this.#literalLeft > 0 ? this.#literal(chunk, at) : this.#read(chunk, at)
    }
    taken.bytes = at
    this.#checkKept(at)
    this.#marker.end(chunk, at)
    const passed = this.#sink.end(at)
    this.#kept += passed.length - this.#keptAt
    return passed
  }

  #literal(chunk: Buffer, from: number): number {
    const size = Math.min(this.#literalLeft, chunk.length - from)
    this.#literalLeft -= size
    this.#fields?.cut(chunk, from, from + size)
    this.#marker.beginLine(from + size)
    if (this.#literalLeft === 0) this.#fields = undefined
    const kept = this.#literalKept
    if (kept === undefined) return from + size
    if (kept > 0 && kept <= size) this.#sink.drop(from + kept)
    this.#literalKept = Math.max(0, kept - size)
    if (this.#literalLeft > 0) return from + size
    this.#literalKept = undefined
    if (this.#state === 'list') this.#list.resume(from + size)
    else this.#sink.pass(from + size)
    return from + size
  }

  #read(chunk: Buffer, from: number): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(chunk, from)
      case 'line':
      case 'lost':
        return this.#skipLine(chunk, from)
      case 'list':
        return this.#readList(chunk, from)
      default:
        return this.#readItem(chunk, from)
    }
  }

  #readHead(chunk: Buffer, from: number): number {
    if (this.#bounds.isSilent && this.#head.isAtStart) {
      // Only a row that is whole in this chunk; others pass, which is harmless.
      const row = silentRowAt(chunk, from)
      if (row) {
        this.#bounds.changed?.(row.uid)
        return this.#leaveOut(from, row.end)
      }
    }
    for (let at = from; at < chunk.length; at++) {
      if (!this.#head.accepts(chunk[at]!)) {
        this.#state = 'line'
        return at
      }
      if (!this.#head.isRow) continue
      this.#beginName()
      return at + 1
    }
    return chunk.length
  }

  #leaveOut(from: number, end: number): number {
    this.#sink.drop(from)
    this.#sink.pass(end)
    this.#marker.beginLine(end)
    this.#keptAt = this.#sink.passedBytes(end)
    this.#taken.numbers++
    return end
  }

  #beginName(): void {
    this.#state = 'name'
    this.#name.begin()
  }

  #readItem(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (byte === lf) return this.#endLine(chunk, at)
      switch (this.#state) {
        case 'name':
          if (this.#readName(byte, at)) return this.#state === 'name' ? at + 1 : at
          continue
        case 'value':
          if (byte === space) continue
          if (byte === open) return this.#beginList(chunk, at)
          this.#beginValue(byte, at)
          continue
        case 'atom':
          if (byte === space) this.#beginName()
          else if (byte === close) return this.#endRow(at)
          else if (byte === brace) this.#beginMarker(at)
          continue
        case 'quoted':
          if (byte === quote) this.#beginName()
          else if (byte === backslash) this.#state = 'escaped'
          continue
        case 'escaped':
          this.#state = 'quoted'
      }
    }
    return chunk.length
  }

  /** @returns Whether something else begins at this byte. */
  #readName(byte: number, at: number): boolean {
    const end = this.#name.read(byte)
    if (end === 'row') this.#endRow(at)
    else if (end === 'name') this.#state = 'value'
    return end === 'row' || (end === 'name' && byte === open)
  }

  #beginValue(byte: number, at: number): void {
    if (byte === quote) this.#state = 'quoted'
    else if (byte === brace) this.#beginMarker(at)
    else this.#state = 'atom'
  }

  /** Holds back the marker of a header, since it announces a length that may be reduced. */
  #beginMarker(at: number): void {
    this.#state = 'marker'
    if (this.#name.isHeader) this.#sink.drop(at)
  }

  #endRow(at: number): number {
    this.#state = 'line'
    if (this.#cuts.size > 0) {
      this.#sink.drop(at)
      this.#sink.insert(encodeCuts(this.#cuts))
      this.#sink.pass(at)
    }
    return at
  }

  #beginList(chunk: Buffer, at: number): number {
    this.#state = 'list'
    this.#sink.hold(at)
    this.#list.begin(limitsOf(this.#name.text.toUpperCase()), this.#cuts)
    return this.#readList(chunk, at)
  }

  #readList(chunk: Buffer, from: number): number {
    const list = this.#list
    const at = list.read(chunk, from)
    if (list.state === 'done') {
      this.#sink.release(at)
      this.#sink.pass(at)
      this.#beginName()
      return at
    }
    if (at === chunk.length) return at
    // A line end: after a literal marker, or an invalid one.
    const size = list.state === 'marker' ? this.#markerBefore(chunk, at) : undefined
    if (size === undefined) return this.#loseRow(chunk, at)
    this.#countLine()
    this.#literalLeft = size
    this.#literalKept = list.beginLiteral(size, at)
    return at + 1
  }

  /** The end of the list cannot be found: ImapFlow gets an unterminated row, which it discards. */
  #loseRow(chunk: Buffer, at: number): number {
    this.#sink.cutHeld(at, 0)
    this.#sink.release(at)
    this.#state = 'lost'
    return this.#skipLine(chunk, at)
  }

  #skipLine(chunk: Buffer, from: number): number {
    const at = chunk.indexOf(lf, from)
    return at < 0 ? chunk.length : this.#endLine(chunk, at)
  }

  /** Ends a line, and with it the response unless a literal follows. */
  #endLine(chunk: Buffer, at: number): number {
    const size = this.#markerBefore(chunk, at)
    this.#countLine()
    if (size !== undefined) {
      this.#literalLeft = size
      if (this.#state === 'marker') {
        this.#literalKept = this.#limitHeader(size, at)
        this.#beginName()
      }
      if (this.#literalKept === undefined) this.#checkKept(at, size)
      return at + 1
    }
    this.#checkKept(at + 1)
    if (this.#head.isTagged) this.#taken.tagged++
    if (!this.#sink.isPassing) this.#sink.insert('\r\n')
    this.#sink.pass(at + 1)
    this.#marker.beginLine(at + 1)
    this.#state = 'head'
    this.#head.begin()
    this.#kept = 0
    this.#keptAt = this.#sink.passedBytes(at + 1)
    this.#cuts = new Map()
    return at + 1
  }

  #limitHeader(size: number, at: number): number | undefined {
    if (!this.#name.isHeader) return undefined
    if (size > 0) this.#fields = new FieldLimiter()
    const kept = Math.min(size, maxHeaderBytes)
    this.#sink.insert(`{${kept}}\r\n`)
    this.#sink.pass(at + 1)
    return kept < size ? kept : undefined
  }

  #countLine(): void {
    if (this.#head.isNumbered) this.#taken.numbers++
    else this.#taken.words++
  }

  /** @param coming Bytes of a literal announced here that is kept whole. */
  #checkKept(at: number, coming = 0): void {
    const kept = this.#kept + this.#sink.passedBytes(at) - this.#keptAt + coming
    if (coming > maxKeptLiteralBytes) throw tooLong()
    if (kept > (this.#head.isRow ? maxRowBytes : this.#bounds.lineBytes)) throw floods()
  }

  #markerBefore(chunk: Buffer, at: number): number | undefined {
    const size = this.#marker.sizeBefore(chunk, at)
    if (size !== undefined && size > this.#maxLiteralBytes) throw tooLong()
    return size
  }
}

function tooLong(): Error {
  return Object.assign(new Error('The server announced a literal that is too long.'), { code: 'LiteralTooLarge' })
}
