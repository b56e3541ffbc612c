/** Writes words as lines of plain text with Markdown-like marks for quotations, lists, headings and tables. */
import { cleanText } from './stranger-text.ts'

/** A position in the output. */
export interface Mark {
  readonly line: number
  readonly piece: number
}

interface Line {
  readonly text: string
  quotes: number
}

/** Characters of finished lines; content after the line that exceeds it is dropped, and the text says so. */
const maxLength = 512 * 1024
/** Depths that are rendered; deeper ones look the same. */
const maxQuotes = 8
const maxIndent = 8
/** RFC 3676, section 4.3. */
const signatureMark = '-- '

export class TextLines {
  /** Current depth of quotations. */
  quotes = 0
  /** Current depth of list items. */
  indent = 0
  /** Prefix of the next line with words. */
  marker = ''
  #lines: Line[] = []
  #pieces: string[] = []
  #hasWords = false
  /** True when the current line contains an invisible filler that takes a line's height. */
  #hasFiller = false
  #isExact = false
  #wantsBlank = false
  #length = 0

  get isFull(): boolean {
    return this.#length > maxLength
  }

  words(text: string): void {
    if (!this.#hasWords) this.#hasWords = cleanText(text).trim() !== ''
    if (!this.#hasWords) this.#hasFiller ||= text.includes('\u00a0')
    this.#pieces.push(text)
  }

  /** Writes text with its blanks and line ends. */
  exactWords(text: string): void {
    const [first = '', ...others] = text.split(/\r\n?|\n/)
    this.#isExact = true
    this.words(first)
    for (const line of others) {
      if (!this.#endLine()) this.#wantsBlank = true
      this.#isExact = true
      this.words(line)
    }
  }

  /** Ends the line; a second call leaves a blank line. */
  break(): void {
    if (!this.#endLine()) this.#wantsBlank = true
  }

  /** Starts a new line if the current one has words. */
  block(): void {
    const hadFiller = this.#hasFiller
    if (!this.#endLine() && hadFiller) this.#wantsBlank = true
  }

  /** Starts a new line after a blank one. */
  gap(): void {
    this.#endLine()
    this.#wantsBlank = true
  }

  here(): Mark {
    return { line: this.#lines.length, piece: this.#pieces.length }
  }

  /** Returns the words since a mark, on one line. */
  since({ line, piece }: Mark): string {
    const isSameLine = this.#lines.length === line
    const open = this.#pieces.slice(isSameLine ? piece : 0).join('')
    return oneLine([...this.#lines.slice(line).map(({ text }) => text), open].join(' '))
  }

  /** Counts the finished lines with words since a mark. */
  linesSince({ line }: Mark): number {
    return this.#lines.slice(line).filter(({ text }) => text !== '').length
  }

  /** Appends to the last words, even if their line has ended. */
  addToLast(text: string): void {
    const last = this.#lines.at(-1)
    if (this.#hasWords || !last) return this.words(text)
    this.#lines[this.#lines.length - 1] = { ...last, text: last.text + text }
    this.#length += text.length
  }

  /** Quotes the text between two marks, unless text followed it. */
  quote(from: Mark, to: Mark): void {
    if (this.linesSince(to) > 0) return
    const lines = this.#lines.slice(from.line, to.line)
    const first = lines.findIndex(({ text }) => text !== '')
    for (const line of lines.slice(Math.max(first, 0))) line.quotes++
  }

  /** Replaces the lines since a mark. */
  replaceSince(mark: Mark, texts: string[]): void {
    this.#endLine()
    this.#lines.length = Math.min(mark.line, this.#lines.length)
    this.#wantsBlank = true
    for (const text of texts) this.#add(text)
    this.#wantsBlank = true
  }

  /** Removes what was written since a mark. */
  dropSince({ line, piece }: Mark): void {
    const isSameLine = this.#lines.length === line
    this.#lines.length = Math.min(line, this.#lines.length)
    this.#pieces.length = isSameLine ? Math.min(piece, this.#pieces.length) : 0
    this.#hasWords = cleanText(this.#pieces.join('')).trim() !== ''
  }

  /** @param ends `isCut`: content is missing at the end. `isUnstyled`: styles that may hide words were not all read. */
  toText({ isCut, isUnstyled }: { isCut: boolean; isUnstyled: boolean }): string {
    this.#endLine()
    const written = this.#lines.map(({ text, quotes }) => {
      const prefix = '> '.repeat(Math.min(quotes, maxQuotes))
      return text === '' ? prefix.trimEnd() : prefix + text
    })
    const end = isCut ? ['', '[cut here: the rest of this message is too long or too deeply nested to be shown]'] : []
    const begin = isUnstyled ? ['[this message has too many styles to evaluate: hidden words may be included]', ''] : []
    return [...begin, ...written, ...end].join('\n')
  }

  /** @returns Whether the line had words. */
  #endLine(): boolean {
    const [pieces, hadWords, isExact] = [this.#pieces, this.#hasWords, this.#isExact]
    this.#pieces = []
    this.#hasWords = false
    this.#hasFiller = false
    this.#isExact = false
    if (!hadWords) return false
    const raw = pieces.join('')
    const line = isExact ? cleanText(raw).replaceAll('\u00a0', ' ').trimEnd() : oneLine(raw)
    const isSignature = line === signatureMark.trim() && /\s$/.test(raw)
    this.#add(isSignature ? signatureMark : line)
    return true
  }

  #add(text: string): void {
    const last = this.#lines.at(-1)
    if (this.#wantsBlank && last && last.text !== '') {
      this.#lines.push({ text: '', quotes: Math.min(last.quotes, this.quotes) })
    }
    this.#wantsBlank = false
    const isMarked = this.marker !== ''
    const indent = '  '.repeat(Math.max(Math.min(this.indent, maxIndent) - (isMarked && this.indent > 0 ? 1 : 0), 0))
    const line = { text: indent + this.marker + text, quotes: this.quotes }
    this.marker = ''
    this.#lines.push(line)
    this.#length += line.text.length + 2 * Math.min(line.quotes, maxQuotes) + 1
  }
}

function oneLine(text: string): string {
  return cleanText(text).replaceAll(/\s+/g, ' ').trim()
}
