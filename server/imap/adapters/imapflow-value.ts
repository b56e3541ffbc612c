/**
 * Truncates a list in a FETCH row (ENVELOPE, BODYSTRUCTURE, FLAGS and others) while streaming, so that parsing is
 * cheap. The result is well-formed and keeps positions: the first addresses and parts are kept and all counted, strings
 * are cut, and above the byte limit all open lists are closed.
 */

import type { FetchMessageObject } from 'imapflow'
import type { ByteSink } from './imapflow-sink.ts'

/**
 * Name of a pseudo item appended to the row, which tells the mapper what was cut. No server sends it, since the section
 * is ungrammatical; one that did would affect only its own row.
 */
const section = 'cut'

/** Replaces a dropped part that cannot be omitted, since a multipart needs at least one. */
export const cutPartType = 'x-cut/x-cut'
const cutPart = '("x-cut" "x-cut" NIL NIL NIL "7bit" 0)'

export type CutName = 'from' | 'sender' | 'reply_to' | 'to' | 'cc' | 'bcc' | 'parts' | 'headers' | 'structure'

/** Counts by name: addresses of a list, parts of a message; `headers` and `structure` are set when incomplete. */
export type Cuts = ReadonlyMap<string, number>

/** Encodes the cuts as an item to append to a row. */
export function encodeCuts(cuts: Cuts): string {
  return ` BODY[${section.toUpperCase()}] "${[...cuts].map(([name, count]) => `${name}=${count}`).join(' ')}"`
}

export function cutsOf(row: Pick<FetchMessageObject, 'bodyParts'>): Cuts {
  const words = row.bodyParts?.get(section)?.toString('latin1', 0, 400) ?? ''
  return new Map([...words.matchAll(/([a-z_]+)=(\d{1,10})/g)].map(([, name = '', count]) => [name, Number(count)]))
}

/** Depth up to which lists are tracked; `maxDepth` is below it. */
const deepest = 60

/** State of the open lists by depth; typed arrays, since hostile mail opens millions of lists. */
class Frames {
  /** Elements so far, those of them that are lists, and those kept. */
  readonly elements = new Int32Array(deepest + 1)
  readonly lists = new Int32Array(deepest + 1)
  readonly kept = new Int32Array(deepest + 1)
  /** Inner lists that contained a string. */
  readonly filled = new Int32Array(deepest + 1)
  readonly hasString = new Uint8Array(deepest + 1)
  /** 1 for a body part, 0 for a parameter list or the content of an attached message. */
  readonly isPart = new Uint8Array(deepest + 1)

  begin(depth: number, isPart: boolean): void {
    this.elements[depth] = this.lists[depth] = this.kept[depth] = this.filled[depth] = this.hasString[depth] = 0
    this.isPart[depth] = isPart ? 1 : 0
  }
}

/** Bounds of a list in a FETCH row. */
interface ValueLimits {
  kind: 'envelope' | 'structure' | 'other'
  maxBytes: number
  maxTokens: number
  /** Addresses per list, or parts in total. */
  maxEntries: number
  /** Lists deeper than this become NIL. */
  maxDepth: number
  /** Bytes of a string at the top level (a subject), and inside lists. */
  maxTopString: number
  maxString: number
}

/** Far above ordinary mail: a part takes about 150 bytes and 20 tokens, an address 50 bytes and 5 tokens. */
const limits: ReadonlyMap<string, ValueLimits> = new Map([
  ['ENVELOPE', of('envelope', { maxBytes: 64 * 1024, maxTokens: 4_000, maxTopString: 12 * 1024, maxString: 1024 })],
  ['BODYSTRUCTURE', of('structure', { maxBytes: 64 * 1024, maxTokens: 6_000, maxEntries: 200, maxString: 2048 })],
])
const otherLimits = of('other', {})

function of(kind: ValueLimits['kind'], limits: Partial<ValueLimits>): ValueLimits {
  const [maxTopString, maxString] = [1024, 1024]
  return { kind, maxBytes: 8192, maxTokens: 500, maxEntries: 100, maxDepth: 55, maxTopString, maxString, ...limits }
}

export function limitsOf(item: string): ValueLimits {
  return limits.get(item) ?? otherLimits
}

const fields: readonly (CutName | undefined)[] = [undefined, undefined, 'from', 'sender', 'reply_to', 'to', 'cc', 'bcc']
const [lf, space, quote, open, close, backslash, brace] = [0x0a, 0x20, 0x22, 0x28, 0x29, 0x5c, 0x7b]
/** Parser state: between elements, in one, at a literal marker, at the list's end, or at an invalid line end. */
type State = 'between' | 'atom' | 'quoted' | 'escaped' | 'marker' | 'done' | 'broken'

/** Truncates one list after the other. */
export class ValueLimiter {
  readonly #sink: ByteSink
  readonly #frames = new Frames()
  #limits = otherLimits
  /** Receives what was cut. */
  #cuts = new Map<string, number>()
  #state: State = 'between'
  #depth = 0
  /** Depth of the list being dropped; 0 while none is. */
  #dropping = 0
  /** True when the buffered list was cut and the rest is dropped. */
  #isFull = false
  /** True while the rest of a string is dropped. */
  #isStringCut = false
  #stringLeft = 0
  #hasSpace = false
  /** Offset of blanks that may be dropped with what follows; -1 when there are none. */
  #blankAt = -1
  #tokens = 0
  #partsOpened = 0
  #leaves = 0
  #arePartsCut = false
  /** Buffered bytes up to the end of the last inner list, and how many lists were open there. */
  #safeBytes = 0
  #safeOpen = 0

  constructor(sink: ByteSink) {
    this.#sink = sink
  }

  get state(): State {
    return this.#state
  }

  begin(limits: ValueLimits, cuts: Map<string, number>): void {
    this.#limits = limits
    this.#cuts = cuts
    this.#state = 'between'
    this.#depth =
      this.#dropping =
      this.#tokens =
      this.#partsOpened =
      this.#leaves =
      this.#safeBytes =
      this.#safeOpen =
        0
    this.#isFull = this.#isStringCut = this.#hasSpace = this.#arePartsCut = false
    this.#blankAt = -1
  }

  /**
   * Reads from the opening parenthesis on.
   * @returns The offset behind what was read: the end of the chunk, unless `done`; the line end when `broken` or
   * `marker`.
   */
  read(chunk: Buffer, from: number): number {
    const end = chunk.length
    for (let at = from; at < end; at++) {
      if (this.#state === 'quoted' || this.#state === 'escaped') at = this.#readString(chunk, at)
      else if (this.#state === 'atom') at = skipAtom(chunk, at)
      if (at >= end) break
      const byte = chunk[at]!
      if (this.#state === 'marker') {
        if (byte === lf) return at
      } else if (byte === lf) {
        this.#state = 'broken'
        return at
      } else if (this.#state === 'quoted') this.#endString(at)
      else {
        this.#state = 'between'
        this.#readByte(byte, at)
        if (this.#depth === 0) {
          this.#state = 'done'
          return at + 1
        }
      }
    }
    this.#endOfChunk(end)
    return end
  }

  #readByte(byte: number, at: number): void {
    if (byte === open) this.#open(at)
    else if (byte === close) this.#close(at)
    else if (byte !== space) this.#beginScalar(byte, at)
    else if (!this.#sink.isPassing) this.#hasSpace = true
    else if (this.#blankAt < 0) this.#blankAt = at
  }

  /** @returns The offset of the closing quote or of a line end, or the end of the chunk. */
  #readString(chunk: Buffer, from: number): number {
    const end = chunk.length
    let left = this.#stringLeft
    let isEscaped = this.#state === 'escaped'
    let at = from
    for (; at < end; at++) {
      const byte = chunk[at]!
      if (byte === lf || (byte === quote && !isEscaped)) break
      // Never behind a backslash, which would escape the closing quote.
      if (left <= 0 && !isEscaped && !this.#isStringCut) this.#cutString(at)
      left--
      isEscaped = byte === backslash && !isEscaped
    }
    this.#stringLeft = left
    this.#state = isEscaped ? 'escaped' : 'quoted'
    return at
  }

  /**
   * Handles a literal, at whose line end `read` stopped.
   * @returns How many of its bytes are kept; undefined for all of them.
   */
  beginLiteral(size: number, at: number): number | undefined {
    this.#state = 'between'
    if (!this.#isKeeping) return undefined
    const kept = Math.min(size, this.#maxString)
    if (kept < size) this.#noteStringCut()
    this.#sink.insert(`{${kept}}\r\n`)
    this.#sink.pass(at + 1)
    return kept < size ? kept : undefined
  }

  /** Continues after a literal that was partly dropped. */
  resume(at: number): void {
    if (this.#isKeeping) this.#sink.pass(at)
  }

  get #isKeeping(): boolean {
    return this.#dropping === 0 && !this.#isFull
  }

  get #maxString(): number {
    return this.#depth === 1 ? this.#limits.maxTopString : this.#limits.maxString
  }

  #beginScalar(byte: number, at: number): void {
    this.#countElement(at, false)
    this.#keep(at, this.#depth)
    if (byte !== brace && byte !== quote) {
      this.#state = 'atom'
      return
    }
    if (this.#depth <= deepest) this.#frames.hasString[this.#depth] = 1
    this.#state = byte === quote ? 'quoted' : 'marker'
    if (byte === quote) this.#stringLeft = this.#isKeeping ? this.#maxString : Number.MAX_SAFE_INTEGER
    else if (this.#isKeeping) this.#sink.drop(at)
  }

  #cutString(at: number): void {
    this.#isStringCut = true
    this.#noteStringCut()
    this.#sink.drop(at)
  }

  #noteStringCut(): void {
    if (this.#limits.kind === 'envelope') this.#cuts.set('headers', 1)
  }

  #endString(at: number): void {
    this.#state = 'between'
    if (this.#isStringCut && this.#isKeeping) this.#sink.pass(at)
    this.#isStringCut = false
  }

  #open(at: number): void {
    const parent = this.#depth
    const frames = this.#frames
    const isEntry = parent === 0 || (parent <= deepest && frames.elements[parent] === frames.lists[parent])
    const isPart = this.#limits.kind === 'structure' && isEntry && (parent === 0 || frames.isPart[parent] === 1)
    this.#countElement(at, true)
    this.#depth++
    if (this.#depth <= deepest) frames.begin(this.#depth, isPart)
    if (isPart) this.#partsOpened++
    if (this.#isKeeping && this.#isTooMuch(isPart)) this.#dropList(at, isPart)
    else this.#keep(at, parent)
  }

  #isTooMuch(isPart: boolean): boolean {
    const { kind, maxDepth, maxEntries } = this.#limits
    if (this.#depth > maxDepth) return true
    if (isPart) return this.#partsOpened > maxEntries
    return kind === 'envelope' && this.#depth === 3 && this.#frames.lists[2]! > maxEntries
  }

  #dropList(at: number, isPart: boolean): void {
    if (this.#limits.kind === 'structure') this.#arePartsCut = true
    const parent = this.#depth - 1
    const isFirst = this.#frames.kept[parent] === 0
    if (isFirst) this.#keep(at, parent)
    this.#sink.drop(this.#blankAt >= 0 ? this.#blankAt : at)
    this.#hasSpace ||= this.#blankAt >= 0
    this.#blankAt = -1
    if (isFirst) this.#sink.insert(isPart ? cutPart : 'NIL')
    this.#dropping = this.#depth
  }

  #close(at: number): void {
    const depth = this.#depth--
    if (depth > 1 && depth <= deepest) this.#frames.filled[depth - 1]! += this.#frames.hasString[depth]!
    if (depth === 2) this.#noteAddresses()
    if (this.#dropping === depth) this.#dropping = 0
    else if (this.#isKeeping) this.#keepEnd(at)
    if (depth === 1 && this.#arePartsCut) this.#cuts.set('structure', 1).set('parts', this.#leaves)
  }

  #keepEnd(at: number): void {
    if (this.#sink.heldBytes(at) > this.#limits.maxBytes) return this.#fill(at)
    this.#blankAt = -1
    this.#sink.pass(at)
    this.#safeBytes = this.#sink.heldBytes(at + 1)
    this.#safeOpen = this.#depth
  }

  #noteAddresses(): void {
    const { kind, maxEntries } = this.#limits
    if (kind !== 'envelope' || this.#frames.lists[2]! <= maxEntries) return
    const field = fields[this.#frames.elements[1]! - 1]
    if (field) this.#cuts.set(field, this.#frames.filled[2]!)
  }

  /** Called before it is decided whether the element is kept. */
  #countElement(at: number, isList: boolean): void {
    const { elements, lists, isPart } = this.#frames
    const parent = this.#depth
    if (parent > 0 && parent <= deepest) {
      if (isPart[parent] === 1 && !isList && elements[parent] === 0) this.#leaves++
      elements[parent]!++
      if (isList) lists[parent]!++
    }
    const { maxBytes, maxTokens } = this.#limits
    if (this.#isKeeping && (this.#tokens >= maxTokens || this.#sink.heldBytes(at) > maxBytes)) this.#fill(at)
  }

  /** Marks the element at this offset as kept. */
  #keep(at: number, parent: number): void {
    if (!this.#isKeeping) return
    this.#tokens++
    if (parent <= deepest) this.#frames.kept[parent]!++
    if (!this.#sink.isPassing) {
      if (this.#hasSpace) this.#sink.insert(' ')
      this.#sink.pass(at)
    }
    this.#hasSpace = false
    this.#blankAt = -1
  }

  #fill(at: number): void {
    this.#isFull = true
    this.#blankAt = -1
    this.#sink.cutHeld(at, this.#safeBytes)
    this.#sink.insert(this.#safeBytes === 0 ? 'NIL' : ')'.repeat(this.#safeOpen))
    if (this.#limits.kind === 'structure') this.#arePartsCut = true
    else if (this.#limits.kind === 'envelope') this.#cuts.set('headers', 1)
  }

  #endOfChunk(at: number): void {
    if (this.#blankAt >= 0) {
      this.#sink.drop(this.#blankAt)
      this.#hasSpace = true
      this.#blankAt = -1
    }
    // Bounds an unterminated atom too.
    const { maxBytes, maxTopString } = this.#limits
    if (this.#isKeeping && this.#sink.heldBytes(at) > maxBytes + maxTopString) this.#fill(at)
  }
}

function skipAtom(chunk: Buffer, from: number): number {
  for (let at = from; at < chunk.length; at++) {
    const byte = chunk[at]
    if (byte === space || byte === open || byte === close || byte === lf) return at
  }
  return chunk.length
}
