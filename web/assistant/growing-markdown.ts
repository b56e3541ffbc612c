/** Markdown that grows: what is complete is read once, and only its last block again. HTML in it is text, and so is what would be too slow to read. */
import { Lexer, type Token, Tokenizer, type TokensList } from 'marked'

/** Marks that begin a line, one inside the other; deeper nesting is no text for people. */
const mostNested = 12
const isTooDeep = new RegExp(String.raw`^(?:[ \t]*(?:>|[-*+]|\d{1,9}[.)])){${mostNested},}`, 'm')
/** Marks inside a paragraph are looked for again from each one that is not closed, so a long one would take its length squared. */
const longestInline = 6_000
/** A last block that is longer, such as a list without an end, is read again only when it has grown by a quarter: else it would take its length squared. */
const longestBlock = 4_000

/** Definitions of links stand apart from what they change, which may have been shown by then. */
class TextTokenizer extends Tokenizer {
  override html(): undefined {}
  override tag(): undefined {}
  override def(): undefined {}
  override reflink(): undefined {}
}

export class GrowingMarkdown {
  #text = ''
  /** How much of the text the complete blocks are. */
  #settledLength = 0
  #settled: readonly Token[] = []
  #blocks: readonly Token[] = []
  /** What was read last, and up to where. */
  #read: readonly Token[] = []
  #readLength = 0

  /** @param text Usually what it was, and more; anything else is read from its beginning. */
  read(text: string): readonly Token[] {
    const next = text.replaceAll(/\r\n?/g, '\n')
    if (next === this.#text) return this.#blocks
    if (!next.startsWith(this.#text)) {
      this.#settled = []
      this.#settledLength = 0
      this.#readLength = 0
    }
    this.#text = next
    const last = this.#readLength - this.#settledLength
    const rest = next.slice(this.#readLength)
    if (last <= longestBlock || rest.length > last / 4) return this.readWhole()
    this.#blocks = [...this.#read, plain(rest)]
    return this.#blocks
  }

  /** The end is text for now. */
  get isBehind(): boolean {
    return this.#readLength < this.#text.length
  }

  /** Also the end. */
  readWhole(): readonly Token[] {
    const tail = this.#text.slice(this.#settledLength)
    const tokens = tokensOf(tail)
    this.#blocks = [...this.#settled, ...tokens.filter(isShown)]
    this.#read = this.#blocks
    this.#readLength = this.#text.length
    this.#settle(tail, tokens)
    return this.#blocks
  }

  /** What a further block follows is complete. */
  #settle(tail: string, tokens: readonly Token[]): void {
    const last = tokens.findLastIndex(isShown)
    const complete = tokens.slice(0, Math.max(last, 0))
    const length = complete.reduce((sum, { raw }) => sum + raw.length, 0)
    const isExact = complete.map(({ raw }) => raw).join('') === tail.slice(0, length)
    if (!isExact) return
    this.#settled = [...this.#settled, ...complete.filter(isShown)]
    this.#settledLength += length
  }
}

export function readMarkdown(text: string): readonly Token[] {
  return new GrowingMarkdown().read(text)
}

function isShown({ type }: Token): boolean {
  return type !== 'space'
}

function tokensOf(text: string): readonly Token[] {
  if (isTooDeep.test(text)) return [plain(text)]
  try {
    return lex(text)
  } catch {
    return [plain(text)]
  }
}

function plain(text: string): Token {
  return { type: 'paragraph', raw: text, text, tokens: [{ type: 'text', raw: text, text }] }
}

/** As `Lexer.lex`, but for long paragraphs. */
function lex(text: string): TokensList {
  const lexer = new Lexer({ gfm: true, breaks: true, tokenizer: new TextTokenizer() })
  lexer.blockTokens(text, lexer.tokens)
  for (const { src, tokens } of lexer.inlineQueue) {
    if (src.length > longestInline) tokens.push({ type: 'text', raw: src, text: src })
    else lexer.inlineTokens(src, tokens)
  }
  return lexer.tokens
}
