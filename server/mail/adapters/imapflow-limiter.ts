/**
 * Reads what an IMAP server says before ImapFlow does, byte by byte and in pieces as they come, and bounds what strangers decide of it: the
 * lists in rows of FETCH, and headers that are asked for whole. All else passes as it is. Bounds of whole answers belong here too.
 */
import { encodeCuts } from './imapflow-cuts.ts'
import { FieldLimiter } from './imapflow-fields.ts'
import { ByteSink } from './imapflow-sink.ts'
import { ValueLimiter } from './imapflow-value.ts'
import { limitsOf } from './imapflow-value-limits.ts'

export interface LimiterOptions {
  /** A longer literal ends the connection. */
  maxLiteralBytes?: number
}

/** Parts asked for in pieces take far less. */
const defaultMaxLiteralBytes = 64 * 1024 * 1024
/** Of the header of a message or part, which can only be asked for whole. */
export const maxHeaderBytes = 256 * 1024
const maxNameLength = 100
/** Room for the marker of the longest literal that has a meaning, `{` 19 digits `}` CR, and for one digit more. */
const tailLength = 24
const [nul, lf, space, quote, open, close, star, brace, bracket, bracketEnd, backslash] = [
  0x00, 0x0a, 0x20, 0x22, 0x28, 0x29, 0x2a, 0x7b, 0x5b, 0x5d, 0x5c,
]
const fetchWord = 'FETCH'

/** `head`: whether it is a row of FETCH; `line`: the rest of what is none; `name` to `list`: in a row; `lost`: the rest of a row that is none. */
type State = 'head' | 'line' | 'name' | 'value' | 'atom' | 'quoted' | 'escaped' | 'marker' | 'list' | 'lost'

export class ResponseLimiter {
  readonly #maxLiteralBytes: number
  readonly #sink = new ByteSink()
  #state: State = 'head'
  /** The end of the line so far, as far as it came with earlier chunks. */
  #tail = ''
  /** Where the line began in this chunk, or where it goes on behind a literal. */
  #lineAt = 0
  /** What of the head was read: `*`, blank, number, blank, letters of FETCH, blank. */
  #head = { step: 0, letters: 0 }
  #name = ''
  #isInSection = false
  readonly #list = new ValueLimiter(this.#sink)
  #cuts = new Map<string, number>()
  /** Bytes of a literal that are still to come, and how many of them are kept when that is not all. */
  #literalLeft = 0
  #literalKept: number | undefined
  /** While the literal is a header. */
  #fields: FieldLimiter | undefined

  constructor({ maxLiteralBytes = defaultMaxLiteralBytes }: LimiterOptions = {}) {
    this.#maxLiteralBytes = maxLiteralBytes
  }

  /**
   * @returns What ImapFlow is to get of it; often the same buffer, sometimes nothing yet.
   * @throws Error with a code when the server announces more than any answer may hold.
   */
  push(chunk: Buffer): Buffer {
    this.#sink.begin(chunk)
    this.#lineAt = 0
    for (let at = 0; at < chunk.length; ) at = this.#literalLeft > 0 ? this.#literal(chunk, at) : this.#read(chunk, at)
    this.#tail = this.#lineBefore(chunk, chunk.length)
    return this.#sink.end()
  }

  #literal(chunk: Buffer, from: number): number {
    const size = Math.min(this.#literalLeft, chunk.length - from)
    this.#literalLeft -= size
    this.#fields?.cut(chunk, from, from + size)
    this.#beginLine(from + size)
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
    for (let at = from; at < chunk.length; at++) {
      if (!this.#isHead(chunk[at]!)) {
        this.#state = 'line'
        return at
      }
      if (this.#head.step < 6) continue
      this.#beginName()
      return at + 1
    }
    return chunk.length
  }

  /** Whether it still may be `* 1 FETCH (`; ImapFlow forgives NUL before it, and so do we. */
  #isHead(byte: number): boolean {
    const head = this.#head
    const isDigit = byte >= 0x30 && byte <= 0x39
    if (head.step === 0) {
      if (byte === star) head.step = 1
      return byte === star || byte === nul
    }
    if (byte === space) {
      if (head.step === 3 || (head.step === 4 && head.letters === fetchWord.length)) head.step++
      return head.step !== 4 || head.letters === 0
    }
    if (head.step <= 3) {
      head.step = 3
      return isDigit
    }
    if (byte === open && head.letters === fetchWord.length) {
      head.step = 6
      return true
    }
    return (byte & ~0x20) === fetchWord.charCodeAt(head.letters++)
  }

  #beginName(): void {
    this.#state = 'name'
    this.#name = ''
    this.#isInSection = false
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
    if (byte === bracket) this.#isInSection = true
    else if (byte === bracketEnd) this.#isInSection = false
    if (!this.#isInSection && byte === close) {
      this.#endRow(at)
      return true
    }
    if (!this.#isInSection && (byte === space || byte === open)) {
      if (this.#name !== '') this.#state = 'value'
      return this.#name !== '' && byte === open
    }
    if (this.#name.length < maxNameLength) this.#name += String.fromCharCode(byte)
    return false
  }

  #beginValue(byte: number, at: number): void {
    if (byte === quote) this.#state = 'quoted'
    else if (byte === brace) this.#beginMarker(at)
    else this.#state = 'atom'
  }

  /** The marker of a header is held back: it tells a length that may be too much. */
  #beginMarker(at: number): void {
    this.#state = 'marker'
    if (this.#isHeader()) this.#sink.drop(at)
  }

  #isHeader(): boolean {
    return /^BODY\[[\d.]*(HEADER|MIME)/i.test(this.#name)
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
    this.#list.begin(limitsOf(this.#name.toUpperCase()), this.#cuts)
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
    if (size !== undefined) {
      this.#literalLeft = size
      if (this.#state === 'marker') {
        this.#literalKept = this.#limitHeader(size, at)
        this.#beginName()
      }
      return at + 1
    }
    if (!this.#sink.isPassing) this.#sink.insert('\r\n')
    this.#sink.pass(at + 1)
    this.#beginLine(at + 1)
    this.#state = 'head'
    this.#head = { step: 0, letters: 0 }
    this.#cuts = new Map()
    return at + 1
  }

  #limitHeader(size: number, at: number): number | undefined {
    if (!this.#isHeader()) return undefined
    if (size > 0) this.#fields = new FieldLimiter()
    const kept = Math.min(size, maxHeaderBytes)
    this.#sink.insert(`{${kept}}\r\n`)
    this.#sink.pass(at + 1)
    return kept < size ? kept : undefined
  }

  #beginLine(at: number): void {
    this.#lineAt = at
    this.#tail = ''
  }

  #lineBefore(chunk: Buffer, at: number): string {
    const start = Math.max(this.#lineAt, at - tailLength)
    return (this.#tail + chunk.toString('latin1', start, at)).slice(-tailLength)
  }

  /** The size of the literal that is announced before this line end, exactly where ImapFlow sees one too. */
  #markerBefore(chunk: Buffer, at: number): number | undefined {
    const line = this.#lineBefore(chunk, at)
    const [, start, digits] = /(\{|^)(\d+)\}\r?$/.exec(line) ?? []
    if (digits === undefined || (start === '' && line.length < tailLength)) return undefined
    const size = start === '' ? Number.POSITIVE_INFINITY : Number(digits)
    if (size <= this.#maxLiteralBytes) return size
    throw Object.assign(new Error('The server announced a literal that is too long.'), { code: 'LiteralTooLarge' })
  }
}
