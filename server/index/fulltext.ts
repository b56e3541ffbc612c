/**
 * Makes the words that are searched from text: our own code, so that SQLite and PostgreSQL get the same ones. The time it takes grows with
 * the length of the text and no faster, whatever is in it.
 */

/** Longer ones are cut, in texts and queries alike. */
const maxTokenLength = 64
/** Characters that are read of a text; NFKD makes up to 18 of one. */
const maxTextLength = 512 * 1024
/** PostgreSQL counts positions up to 16,383; what is beyond would no longer be found as a phrase. */
export const maxTokens = { body: 16_000, field: 2_000 } as const
/** PostgreSQL keeps no more positions of one word. */
const maxPositions = 255
/** Letters of all words of a text together. A tsvector has room for a mebibyte, and three bytes may be one letter. */
const maxLength = 200_000
/** Stands where a word was repeated too often: in no query, since it is no letter. */
const filler = '\ue000'

/**
 * Scripts that are written without blanks between words, or with words that grow at their ends: two letters at a time are found in any of
 * them. Marks that are vowels stay.
 */
const unspaced = String.raw`[[\p{L}\p{M}\p{N}]&&[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]]`
const pieces = new RegExp(String.raw`(${unspaced}+)|[[\p{L}\p{M}\p{N}]--${unspaced}]+`, 'gv')
/** Accents, points and the like that people leave out, and what is not seen. The marks of kana are put together with it again by NFC. */
const ignoredRanges = [
  String.raw`\p{Cf}\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed`,
  String.raw`\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f`,
]
const ignored = new RegExp(`[${ignoredRanges.join('')}]+`, 'gu')

/** The word or bigram, and where in the folded text it began. */
export interface Token {
  word: string
  /** The single letter that ends a run of bigrams: found by a query for that letter. */
  isRest: boolean
}

/** One form of all ways to write the same: without accents, in small letters. */
export function fold(text: string): string {
  if (isAscii(text)) return text.toLowerCase()
  const plain = text.normalize('NFKD').replace(ignored, '').normalize('NFC')
  // A sigma at the end of a word is written otherwise; capitals have no other form of ß.
  return plain.toLowerCase().replace(/\u03c2|\u00df|\u0307/g, lowered)
}

const lowered = (letter: string) => (letter === '\u03c2' ? '\u03c3' : letter === '\u00df' ? 'ss' : '')

export function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  return /^[\x00-\x7f]*$/.test(text)
}

/**
 * ASCII and what Western texts have beside it that is no letter: blanks, dashes, quotation marks and the like. None of it is composed
 * of anything, or becomes a letter where it is folded.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const plain = /^[\x00-\x7f\xa0\xa9\xab\xae\xbb\u2010-\u2015\u2018-\u201f\u2022\u2026\u20ac]*$/

/** Words in order, for texts. */
export function tokensOf(text: string, most: number): string[] {
  const whole = text.length > maxTextLength ? text.slice(0, maxTextLength) : text
  const isPlain = plain.test(whole)
  const folded = isPlain ? whole.toLowerCase() : fold(whole)
  if (isPlain || isAscii(folded)) {
    const found = folded.match(/[a-z0-9]+/g) ?? []
    if (found.length > most) found.length = most
    return found.map(cut)
  }
  const out: string[] = []
  for (const { word } of walk(folded)) {
    if (out.length >= most) break
    out.push(word)
  }
  return out
}

function* walk(folded: string): Generator<Token> {
  pieces.lastIndex = 0
  for (const [piece, run] of folded.matchAll(pieces)) {
    if (run === undefined) yield { word: cut(piece), isRest: false }
    else yield* bigrams(run)
  }
}

function* bigrams(run: string): Generator<Token> {
  let last = ''
  let isFirst = true
  for (const letter of run) {
    if (!isFirst) yield { word: last + letter, isRest: false }
    isFirst = false
    last = letter
  }
  yield { word: last, isRest: true }
}

const cut = (word: string) => (word.length > maxTokenLength ? word.slice(0, maxTokenLength).toWellFormed() : word)

/**
 * As they are stored: of one word never more than both databases keep.
 * @param sharers Fields of which PostgreSQL keeps the positions together.
 */
export function storedTokens(text: string, most: number, sharers: number): string[] {
  const tokens = tokensOf(text, most)
  let length = 0
  for (const [at, token] of tokens.entries()) {
    length += token.length
    if (length <= maxLength) continue
    tokens.length = at
    break
  }
  const maxRepeats = Math.floor(maxPositions / sharers)
  if (tokens.length <= maxRepeats) return tokens
  const seen = new Map<string, number>()
  for (const [at, token] of tokens.entries()) {
    const count = (seen.get(token) ?? 0) + 1
    seen.set(token, count)
    if (count > maxRepeats) tokens[at] = filler
  }
  return tokens
}

/** Words that stand one after the other; with `isPrefix` the last one is the beginning of a word. */
export interface Phrase {
  words: string[]
  isPrefix: boolean
}

/** Undefined where there is no letter and no digit in it. */
export function phraseOf(text: string, isPrefix: boolean): Phrase | undefined {
  const tokens = [...walk(fold(text.slice(0, 1000)))]
  const last = tokens.at(-1)
  if (last === undefined) return undefined
  if (!last.isRest) return { words: tokens.map(({ word }) => word), isPrefix }
  const before = tokens.at(-2)
  // A run may go on behind the letter that ends it here: its bigrams say enough. One letter is how a bigram begins.
  const isAlone = before === undefined || before.isRest || !endsWith(before.word, last.word)
  const words = tokens.map(({ word }) => word)
  if (isAlone) return { words, isPrefix: true }
  return { words: words.slice(0, -1), isPrefix: false }
}

const endsWith = (word: string, letter: string) => word.length > letter.length && word.endsWith(letter)
