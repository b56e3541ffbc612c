/**
 * Parses a FETCH row as ImapFlow does, in a fraction of the time, if it has the form that servers almost always use.
 * Any other row is left to ImapFlow.
 */
import type { FetchMessageObject } from 'imapflow'
import { isCapital, isNameCode, listOf, numberOf, refuse, type Token, textOf, unusual } from './imapflow-row-tokens.ts'

/** ImapFlow's own parsers, so that both yield the same from a list. */
export interface ListReaders {
  parseEnvelope(list: Token[]): NonNullable<FetchMessageObject['envelope']>
  parseBodystructure(list: Token[]): NonNullable<FetchMessageObject['bodyStructure']>
}

const [lf, cr, space, quote, open, close, bracket, backslash, braceOpen, braceClose] = [
  0x0a, 0x0d, 0x20, 0x22, 0x28, 0x29, 0x5b, 0x5c, 0x7b, 0x7d,
]
const head = /^\* ([1-9]\d{0,9}) FETCH \(/
/** Maximum length of an item name; those requested for index and texts are shorter. */
const longestName = 21
/** The section after a name; it contains blanks only in its list of headers. */
const itemSection = /\[([A-Z0-9.-]*(?: \([A-Za-z" -]+\))?)\](?:<\d{1,10}>)?/y
/** A plain atom; those that ImapFlow treats specially are left to it. */
const atom = /[\\$]?[A-Za-z0-9._:+/-]+/y
const headerFields = 'HEADER.FIELDS'
/** Maximum nesting of lists; the limiter lets less through. */
const deepest = 60
const maxUint = 2 ** 32 - 1

/** Parses a row; undefined when ImapFlow has to parse it. */
export function readRow(
  payload: Buffer,
  literals: readonly Buffer[],
  lists: ListReaders,
): FetchMessageObject | undefined {
  const text = payload.toString('latin1')
  const [begin = '', seq] = head.exec(text) ?? []
  if (seq === undefined) return undefined
  try {
    return new RowReader(payload, text, literals, lists).read(Number(seq), begin.length)
  } catch (error) {
    if (error === unusual) return undefined
    throw error
  }
}

class RowReader {
  readonly #payload: Buffer
  /** The payload as latin1, so that offsets are the same in both. */
  readonly #text: string
  readonly #literals: readonly Buffer[]
  readonly #lists: ListReaders
  #at = 0
  #literal = 0

  constructor(payload: Buffer, text: string, literals: readonly Buffer[], lists: ListReaders) {
    this.#payload = payload
    this.#text = text
    this.#literals = literals
    this.#lists = lists
  }

  read(seq: number, from: number): FetchMessageObject {
    const row: FetchMessageObject = { seq, uid: 0 } as FetchMessageObject
    const seen: string[] = []
    this.#at = from
    for (;;) {
      const name = this.#name()
      const section = this.#section()
      const key = section === undefined ? name : `[${section}`
      if (this.#text.charCodeAt(this.#at++) !== space || seen.includes(key)) throw unusual
      seen.push(key)
      this.#take(row, name, section, this.#token(0))
      const next = this.#text.charCodeAt(this.#at++)
      if (next === close) break
      if (next !== space) throw unusual
    }
    if (this.#at !== this.#text.length || this.#literal !== this.#literals.length) throw unusual
    return row
  }

  #name(): string {
    const from = this.#at
    while (isNameCode(this.#text.charCodeAt(this.#at))) this.#at++
    const length = this.#at - from
    if (length === 0 || length > longestName || !isCapital(this.#text.charCodeAt(from))) throw unusual
    return this.#text.slice(from, this.#at)
  }

  #section(): string | undefined {
    if (this.#text.charCodeAt(this.#at) !== bracket) return undefined
    itemSection.lastIndex = this.#at
    const [whole, section] = itemSection.exec(this.#text) ?? refuse()
    this.#at += whole.length
    return section
  }

  #take(row: FetchMessageObject, name: string, section: string | undefined, token: Token): void {
    if (section !== undefined) {
      if (name !== 'BODY') throw unusual
      this.#takeSection(row, section, token)
    } else if (name === 'UID') row.uid = numberOf(token, maxUint)
    else if (name === 'RFC822.SIZE') row.size = numberOf(token, Number.MAX_SAFE_INTEGER)
    else if (name === 'FLAGS') row.flags = new Set(listOf(token).map(textOf).filter(Boolean))
    else if (name === 'INTERNALDATE') {
      const text = textOf(token)
      const date = new Date(text)
      row.internalDate = Number.isNaN(date.getTime()) ? text : date
    } else if (name === 'ENVELOPE') row.envelope = this.#lists.parseEnvelope(listOf(token))
    else if (name === 'BODYSTRUCTURE') row.bodyStructure = this.#lists.parseBodystructure(listOf(token))
    else if (name === 'EMAILID') row.emailId = textOf(listOf(token)[0] ?? null) || refuse()
    else if (name === 'X-GM-MSGID') row.emailId = textOf(token)
    // Not used by callers of this reader.
    else if (name !== 'MODSEQ') throw unusual
  }

  #takeSection(row: FetchMessageObject, section: string, token: Token): void {
    if (token === null || Array.isArray(token)) throw unusual
    const bytes = typeof token.value === 'string' ? Buffer.from(token.value) : token.value
    if (section.startsWith(headerFields)) row.headers = bytes
    else if (/^(?:TEXT|CUT|\d[\d.]*)$/.test(section)) {
      row.bodyParts ??= new Map()
      row.bodyParts.set(section.toLowerCase(), bytes)
    } else throw unusual
  }

  #token(depth: number): Token {
    const byte = this.#text.charCodeAt(this.#at)
    if (byte === quote) return { value: this.#quoted() }
    if (byte === open) return this.#list(depth + 1)
    if (byte === braceOpen) return { value: this.#nextLiteral() }
    // Unlike `exec`, `test` allocates no result.
    atom.lastIndex = this.#at
    if (!atom.test(this.#text)) throw unusual
    const value = this.#text.slice(this.#at, atom.lastIndex)
    this.#at = atom.lastIndex
    return value.length === 3 && value.toUpperCase() === 'NIL' ? null : { value }
  }

  #list(depth: number): Token[] {
    if (depth > deepest) throw unusual
    const list: Token[] = []
    this.#at++
    if (this.#text.charCodeAt(this.#at) === close) {
      this.#at++
      return list
    }
    for (;;) {
      const token = this.#token(depth)
      list.push(token)
      const next = this.#text.charCodeAt(this.#at)
      // Adjacent addresses and parts have no blank between them.
      if (next === open && Array.isArray(token)) continue
      this.#at++
      if (next === close) return list
      if (next !== space) throw unusual
    }
  }

  #quoted(): string {
    const text = this.#text
    const from = this.#at + 1
    let [at, all, isEscaped] = [from, 0, false]
    for (; ; at++) {
      const byte = text.charCodeAt(at)
      if (byte === quote) break
      // Also catches the end, where the code is NaN.
      if (!(byte >= space)) throw unusual
      all |= byte
      if (byte !== backslash) continue
      isEscaped = true
      const escaped = text.charCodeAt(++at)
      if (escaped !== quote && escaped !== backslash) throw unusual
    }
    this.#at = at + 1
    const value = all < 0x80 ? text.slice(from, at) : this.#payload.toString('utf8', from, at)
    return isEscaped ? value.replaceAll(/\\([\s\S])/g, '$1') : value
  }

  #nextLiteral(): Buffer {
    const text = this.#text
    let size = 0
    for (this.#at++; text.charCodeAt(this.#at) !== braceClose; this.#at++) {
      const digit = text.charCodeAt(this.#at) - 0x30
      if (!(digit >= 0 && digit <= 9) || size > maxUint) throw unusual
      size = size * 10 + digit
    }
    const bytes = this.#literals[this.#literal++]
    if (text.charCodeAt(this.#at + 1) !== cr || text.charCodeAt(this.#at + 2) !== lf) throw unusual
    if (bytes?.length !== size) throw unusual
    this.#at += 3
    return bytes
  }
}
