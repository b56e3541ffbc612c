/**
 * Reads what an IMAP server says before ImapFlow does, byte by byte and in pieces as they come, and bounds what strangers decide of it: the
 * lists in rows of FETCH, and headers that are asked for whole. All else passes as it is, as long as a line or row is not too long.
 */
import { floods, type Taken } from './imapflow-budget.ts'
import { ItemName, LiteralMarker, RowHead, silentRowAt } from './imapflow-grammar.ts'
import { ByteSink } from './imapflow-sink.ts'
import { encodeCuts, limitsOf, ValueLimiter } from './imapflow-value.ts'

const [tab, lf, cr, space, quote, open, close, backslash, brace] = [
  0x09, 0x0a, 0x0d, 0x20, 0x22, 0x28, 0x29, 0x5c, 0x7b,
]
/** Content-Type and Content-Transfer-Encoding, of which something is read, are far shorter. */
const maxFieldBytes = 2048
const nextField = Buffer.from('\r\nX-Cut: ')

/**
 * Ends each field of one header that is too long, in place, as its bytes come in: what reads its value takes time with the square of its
 * length. A header keeps its length, since that was announced before; what is past the bound becomes a field of its own that means nothing.
 */
class FieldLimiter {
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

export interface LimiterOptions {
  /** A longer literal ends the connection. */
  maxLiteralBytes?: number
  bounds?: Bounds
}

/** They may be others at each line. */
interface Bounds {
  /** What a line may hold that is no row of FETCH. */
  readonly lineBytes: number
  /** Whether rows that hold a UID and its MODSEQ, and nothing else, are left out: reading a thousand takes ImapFlow longer than the change. */
  readonly isSilent: boolean
  /** Hears the UID of each of these. */
  changed?(uid: number): void
}

/** Of headers and lists, of which little is kept. */
const defaultMaxLiteralBytes = 64 * 1024 * 1024
/** Of what is kept whole: parts are asked for in pieces of a quarter of it. */
const maxKeptLiteralBytes = 1024 * 1024
/** What is passed on of one row. */
const maxRowBytes = 2 * 1024 * 1024
/** The longest list of UIDs is said without a budget only in tests. */
const unbounded: Bounds = { lineBytes: Number.POSITIVE_INFINITY, isSilent: false }
/** Of the header of a message or part, which can only be asked for whole. */
export const maxHeaderBytes = 256 * 1024

/** `head`: whether it is a row of FETCH; `line`: the rest of another response; `name` to `list`: in a row; `lost`: the rest of a malformed row. */
type State = 'head' | 'line' | 'name' | 'value' | 'atom' | 'quoted' | 'escaped' | 'marker' | 'list' | 'lost'

export class ResponseLimiter {
  readonly #maxLiteralBytes: number
  readonly #bounds: Bounds
  readonly #sink = new ByteSink()
  #state: State = 'head'
  readonly #marker = new LiteralMarker()
  readonly #head = new RowHead()
  /** What was passed on of the response that has not ended, before this chunk, and where in what goes out of this one it began. */
  #kept = 0
  #keptAt = 0
  #taken: Taken = { bytes: 0, numbers: 0, words: 0, tagged: 0 }
  readonly #name = new ItemName()
  readonly #list = new ValueLimiter(this.#sink)
  #cuts = new Map<string, number>()
  /** Bytes of a literal that are still to come, and how many of them are kept when that is not all. */
  #literalLeft = 0
  #literalKept: number | undefined
  /** While the literal is a header. */
  #fields: FieldLimiter | undefined

  constructor({ maxLiteralBytes = defaultMaxLiteralBytes, bounds = unbounded }: LimiterOptions = {}) {
    this.#maxLiteralBytes = maxLiteralBytes
    this.#bounds = bounds
  }

  /** Of the last chunk. */
  get taken(): Readonly<Taken> {
    return this.#taken
  }

  /** Of the response that has not ended yet; ImapFlow holds it until then. */
  get keptBytes(): number {
    return this.#kept
  }

  /**
   * Reads the chunk until its end, or until so many lines of it have ended: `taken` says how far.
   * @returns What ImapFlow is to get of it; often the same buffer, sometimes nothing yet.
   * @throws Error with a code when the server announces or says more than any answer may hold.
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
      // One that is whole in this chunk; others pass, and change nothing.
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

  /** The marker of a header is held back: it tells a length that may be too much. */
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
    // A line end: that of the marker of a literal, or one where none may be.
    const size = list.state === 'marker' ? this.#markerBefore(chunk, at) : undefined
    if (size === undefined) return this.#loseRow(chunk, at)
    this.#countLine()
    this.#literalLeft = size
    this.#literalKept = list.beginLiteral(size, at)
    return at + 1
  }

  /** It would take guesses to find where the list ends: ImapFlow gets a row without an end, which it leaves out. */
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

  /** A line ends, and with it the answer, unless a literal follows. */
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

  /** @param coming Bytes of a literal that is announced here and kept whole. */
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
