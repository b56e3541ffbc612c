/** Converts RTF to text, or extracts the HTML encapsulated in it (MS-OXRTFEX). Runs on a thread of `TextWorker`. */
import { decodeText } from './charset.ts'
import { unpackRtf } from './compressed-rtf.ts'
import { charsetOf } from './mapi-properties.ts'

export interface RtfText {
  kind: 'plain' | 'html'
  content: string
}

/** Maximum nesting of groups; reading stops at deeper ones. */
const maxDepth = 500
/** Groups without text, besides those marked as ignorable. */
const silent = new Set(['colortbl', 'stylesheet', 'info', 'pict', 'object', 'mhtmltag', 'generator', 'filetbl'])
const silentEnding = /^(?:header|footer)[lrf]?$/
/** Control words that stand for a character. */
const characters: Readonly<Record<string, string>> = {
  ...{ par: '\n', line: '\n', sect: '\n', page: '\n', row: '\n', tab: '\t', cell: '\t' },
  ...{ lquote: '‘', rquote: '’', ldblquote: '“', rdblquote: '”', bullet: '•' },
  ...{ endash: '–', emdash: '—', enspace: '\u2002', emspace: '\u2003' },
}
/** Code pages by Windows charset number. */
const codepages: Readonly<Record<number, number>> = {
  ...{ 77: 10000, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258 },
  ...{ 177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250 },
}

interface Group {
  isSilent: boolean
  /** True inside a font table. */
  isFonts: boolean
  /** True for content that only applies to RTF readers, where HTML is encapsulated. */
  isForRtf: boolean
  /** Number of fallback characters after each Unicode character (`\uc`). */
  standIns: number
  font: number | undefined
}

/** Null when it is no RTF. */
export async function readRtf({ compressed }: { compressed: Uint8Array }): Promise<RtfText | null> {
  const rtf = unpackRtf(compressed)?.toString('latin1')
  return rtf?.startsWith('{\\rtf') ? new RtfReader(rtf).read() : null
}

class RtfReader {
  readonly #rtf: string
  readonly #fonts = new Map<number, number>()
  readonly #pieces: { bytes: number[]; font: number | undefined }[] = []
  readonly #words: (string | number)[] = []
  readonly #groups: Group[] = []
  #group: Group = { isSilent: false, isFonts: false, isForRtf: false, standIns: 1, font: undefined }
  #codepage = 1252
  #isHtml = false
  #at = 0
  /** Fallback characters still to skip. */
  #toSkip = 0
  /** True when the next control word begins an ignorable group. */
  #isOptional = false

  constructor(rtf: string) {
    this.#rtf = rtf
  }

  async read(): Promise<RtfText> {
    const special = /[\\{}\r\n]/g
    while (this.#at < this.#rtf.length && this.#groups.length <= maxDepth) {
      special.lastIndex = this.#at
      const next = special.exec(this.#rtf)?.index ?? this.#rtf.length
      this.#putBytes(this.#rtf.slice(this.#at, next))
      this.#at = next + 1
      const mark = this.#rtf[next]
      if (mark === '{') this.#open()
      else if (mark === '}') this.#close()
      else if (mark === '\\') this.#control()
    }
    const decoded = await Promise.all(
      this.#pieces.map(({ bytes, font }) => decodeText(Uint8Array.from(bytes), this.#charsetOf(font))),
    )
    const content = this.#words.map(word => (typeof word === 'number' ? decoded[word]! : word)).join('')
    return { kind: this.#isHtml ? 'html' : 'plain', content: content.replaceAll('\0', '').toWellFormed().trim() }
  }

  #charsetOf(font: number | undefined): string | null {
    return charsetOf((font === undefined ? undefined : this.#fonts.get(font)) ?? this.#codepage)
  }

  #open(): void {
    this.#groups.push(this.#group)
    this.#group = { ...this.#group }
    this.#toSkip = 0
  }

  #close(): void {
    this.#group = this.#groups.pop() ?? this.#group
    this.#toSkip = 0
    this.#isOptional = false
  }

  get #isTold(): boolean {
    const { isSilent, isFonts, isForRtf } = this.#group
    return !isSilent && !isFonts && !(isForRtf && this.#isHtml)
  }

  #put(text: string): void {
    if (this.#isTold) this.#words.push(text)
  }

  /** Appends bytes in the charset of the current font. */
  #putBytes(text: string): void {
    const from = Math.min(this.#toSkip, text.length)
    this.#toSkip -= from
    if (from === text.length || !this.#isTold) return
    const { font } = this.#group
    const last = this.#words.at(-1)
    const open = typeof last === 'number' && this.#pieces[last]?.font === font ? this.#pieces[last] : undefined
    const piece = open ?? { bytes: [], font }
    if (!open) this.#words.push(this.#pieces.push(piece) - 1)
    for (let at = from; at < text.length; at++) piece.bytes.push(text.charCodeAt(at))
  }

  #control(): void {
    const sign = this.#rtf[this.#at] ?? ''
    if (/[a-z]/i.test(sign)) return this.#word()
    this.#at++
    if (sign === "'") {
      const digits = this.#rtf.slice(this.#at, this.#at + 2)
      this.#at += 2
      if (/^[\da-f]{2}$/i.test(digits)) this.#putBytes(String.fromCharCode(Number.parseInt(digits, 16)))
    } else if (sign === '*') this.#isOptional = true
    else if (sign === '~') this.#put('\u00a0')
    else if (sign === '_') this.#put('-')
    else if (sign === '\r' || sign === '\n') this.#put('\n')
    else if (sign === '\\' || sign === '{' || sign === '}') this.#putBytes(sign)
  }

  #word(): void {
    const pattern = /([a-z]{1,32})(-?\d{1,10})? ?/iy
    pattern.lastIndex = this.#at
    const [whole = ' ', name = '', digits] = pattern.exec(this.#rtf) ?? []
    this.#at += whole.length
    const value = digits === undefined ? undefined : Number(digits)
    const isOptional = this.#isOptional
    this.#isOptional = false
    const group = this.#group
    if (name === 'bin') this.#at += Math.max(0, value ?? 0)
    else if (name === 'fonttbl') group.isFonts = true
    else if (name === 'htmltag') group.isForRtf = false
    else if (isOptional || silent.has(name) || silentEnding.test(name)) group.isSilent = true
    else if (name === 'htmlrtf') group.isForRtf = value !== 0
    else if (name === 'fromhtml') this.#isHtml = true
    else if (name === 'ansicpg') this.#codepage = value || this.#codepage
    else if (name === 'uc') group.standIns = Math.min(10, Math.max(0, value ?? 1))
    else if (name === 'u') this.#unicode(value ?? 0)
    else if (name === 'f') group.font = value
    else if (name === 'plain') group.font = undefined
    else if (name === 'fcharset' && group.isFonts) this.#addFont(group.font, value ?? 0)
    else if (Object.hasOwn(characters, name)) this.#put(characters[name]!)
  }

  #unicode(value: number): void {
    if (value >= -0x8000 && value <= 0xffff) this.#put(String.fromCharCode(value & 0xffff))
    this.#toSkip = this.#group.standIns
  }

  #addFont(font: number | undefined, charset: number): void {
    const codepage = codepages[charset]
    if (font !== undefined && codepage !== undefined && this.#fonts.size < 1_000) this.#fonts.set(font, codepage)
  }
}
