/** Writes words as lines of plain text with the marks of Markdown: quotations, lists, headings, tables. */
import { cleanText } from './stranger-text.ts'

/** A place in what is written. */
export interface Mark {
  readonly line: number
  readonly piece: number
}

interface Line {
  readonly text: string
  quotes: number
}

/** Characters of finished lines; what comes after the line that passes it is left out, and that is said. */
const maxLength = 512 * 1024
/** Deeper ones look like this one. */
const maxQuotes = 8
const maxIndent = 8
/** RFC 3676, section 4.3. */
const signatureMark = '-- '

export class TextLines {
  /** How many quotations one is in. */
  quotes = 0
  /** How many items of lists one is in. */
  indent = 0
  /** Begins the next line with words, once. */
  marker = ''
  #lines: Line[] = []
  #pieces: string[] = []
  #hasWords = false
  /** Something that takes the room of a line was among the pieces. */
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

  /** Blanks and line ends as they are. */
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

  /** A new line; a second one leaves one blank. */
  break(): void {
    if (!this.#endLine()) this.#wantsBlank = true
  }

  /** What follows begins a line. */
  block(): void {
    const hadFiller = this.#hasFiller
    if (!this.#endLine() && hadFiller) this.#wantsBlank = true
  }

  /** What follows begins a line, below a blank one. */
  gap(): void {
    this.#endLine()
    this.#wantsBlank = true
  }

  here(): Mark {
    return { line: this.#lines.length, piece: this.#pieces.length }
  }

  /** The words since then, on one line. */
  since({ line, piece }: Mark): string {
    const isSameLine = this.#lines.length === line
    const open = this.#pieces.slice(isSameLine ? piece : 0).join('')
    return oneLine([...this.#lines.slice(line).map(({ text }) => text), open].join(' '))
  }

  /** How many lines with words were finished since then. */
  linesSince({ line }: Mark): number {
    return this.#lines.slice(line).filter(({ text }) => text !== '').length
  }

  /** Adds to the last words that there are, though their line is over. */
  addToLast(text: string): void {
    const last = this.#lines.at(-1)
    if (this.#hasWords || !last) return this.words(text)
    this.#lines[this.#lines.length - 1] = { ...last, text: last.text + text }
    this.#length += text.length
  }

  /** Makes a quotation of what was written between these two, if nothing was since. */
  quote(from: Mark, to: Mark): void {
    if (this.linesSince(to) > 0) return
    const lines = this.#lines.slice(from.line, to.line)
    const first = lines.findIndex(({ text }) => text !== '')
    for (const line of lines.slice(Math.max(first, 0))) line.quotes++
  }

  /** Writes other lines instead of those since then. */
  replaceSince(mark: Mark, texts: string[]): void {
    this.#endLine()
    this.#lines.length = Math.min(mark.line, this.#lines.length)
    this.#wantsBlank = true
    for (const text of texts) this.#add(text)
    this.#wantsBlank = true
  }

  /** Takes back what was written since then. */
  dropSince({ line, piece }: Mark): void {
    const isSameLine = this.#lines.length === line
    this.#lines.length = Math.min(line, this.#lines.length)
    this.#pieces.length = isSameLine ? Math.min(piece, this.#pieces.length) : 0
    this.#hasWords = cleanText(this.#pieces.join('')).trim() !== ''
  }

  /** @param ends `isCut`: something is missing behind it. `isUnstyled`: not all was read of the styles that hide words. */
  toText({ isCut, isUnstyled }: { isCut: boolean; isUnstyled: boolean }): string {
    this.#endLine()
    const written = this.#lines.map(({ text, quotes }) => {
      const prefix = '> '.repeat(Math.min(quotes, maxQuotes))
      return text === '' ? prefix.trimEnd() : prefix + text
    })
    const end = isCut ? ['', '[cut here: the rest of this message is too long or too deeply nested to be shown]'] : []
    const begin = isUnstyled
      ? ['[the styles of this message are too many to be read: words that it hides may stand here]', '']
      : []
    return [...begin, ...written, ...end].join('\n')
  }

  /** @returns Whether there were words on it. */
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
