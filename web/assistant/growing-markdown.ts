/** Parses growing Markdown incrementally. HTML, and what would be too slow to parse, stays plain text. */
import { Lexer, type Token, Tokenizer, type TokensList } from 'marked'

/** Maximum nested block markers on one line; deeper nesting is not written by people. */
const mostNested = 12
const isTooDeep = new RegExp(String.raw`^(?:[ \t]*(?:>|[-*+]|\d{1,9}[.)])){${mostNested},}`, 'm')
/**
 * Longest paragraph parsed for inline markup, in characters: each unclosed marker starts another search, so parsing is
 * quadratic.
 */
const longestInline = 6_000
/**
 * Longest last block that is always parsed again; a longer one, such as an endless list, only after it has grown by a
 * quarter, to avoid quadratic time.
 */
const longestBlock = 4_000

/** Ignores link definitions, which would change text that is already shown. */
class TextTokenizer extends Tokenizer {
  override html(): undefined {}
  override tag(): undefined {}
  override def(): undefined {}
  override reflink(): undefined {}
}

export class GrowingMarkdown {
  #text = ''
  /** Length of the text covered by complete blocks. */
  #settledLength = 0
  #settled: readonly Token[] = []
  #blocks: readonly Token[] = []
  /** The last parsed tokens. */
  #read: readonly Token[] = []
  #readLength = 0

  /**
   * Parses a text.
   * @param text Usually the previous text with more appended; anything else is parsed from the start.
   */
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

  /** Whether the end of the text has not been parsed yet. */
  get isBehind(): boolean {
    return this.#readLength < this.#text.length
  }

  /** Parses everything, including the end. */
  readWhole(): readonly Token[] {
    const tail = this.#text.slice(this.#settledLength)
    const tokens = tokensOf(tail)
    this.#blocks = [...this.#settled, ...tokens.filter(isShown)]
    this.#read = this.#blocks
    this.#readLength = this.#text.length
    this.#settle(tail, tokens)
    return this.#blocks
  }

  /** Marks all blocks but the last as complete. */
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

/** Like `Lexer.lex`, but skips inline markup in long paragraphs. */
function lex(text: string): TokensList {
  const lexer = new Lexer({ gfm: true, breaks: true, tokenizer: new TextTokenizer() })
  lexer.blockTokens(text, lexer.tokens)
  for (const { src, tokens } of lexer.inlineQueue) {
    if (src.length > longestInline) tokens.push({ type: 'text', raw: src, text: src })
    else lexer.inlineTokens(src, tokens)
  }
  return lexer.tokens
}
