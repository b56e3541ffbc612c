/**
 * Tokenizer for full-text search: our own, so that SQLite and PostgreSQL get the same tokens. Runs in time linear in
 * the length of the text, whatever its content.
 */

/** Characters per token; longer ones are truncated, in texts and queries alike. */
const maxTokenLength = 64
/** Characters of a text that are read, the rest is ignored; NFKD makes up to 18 of one. */
const maxTextLength = 512 * 1024
/**
 * Tokens indexed per text; the rest is not searchable. PostgreSQL segments have room for twice as many
 * (word-postings.ts).
 */
export const maxTokens = { body: 16_000, field: 2_000 } as const
/** Positions stored per word and message; further occurrences are not indexed. */
const maxPositions = 255
/** Total characters of all tokens of a text; the rest is dropped. */
const maxLength = 200_000
/** Placeholder for a word repeated too often; not a letter, so no query contains it. */
export const filler = '\ue000'

/**
 * Scripts written without blanks between words, or agglutinative ones: indexed as bigrams, so that any substring is
 * found. Marks that are vowels are kept.
 */
const unspaced = String.raw`[[\p{L}\p{M}\p{N}]&&[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]]`
const pieces = new RegExp(String.raw`(${unspaced}+)|[[\p{L}\p{M}\p{N}]--${unspaced}]+`, 'gv')
/** Accents, points and the like that people omit, and invisible characters. NFC recombines kana with their marks. */
const ignoredRanges = [
  String.raw`\p{Cf}\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed`,
  String.raw`\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f`,
]
const ignored = new RegExp(`[${ignoredRanges.join('')}]+`, 'gu')

interface Token {
  word: string
  /** The single letter that ends a run of bigrams: found by a query for that letter. */
  isRest: boolean
}

/** Normalizes text for search: without accents, in lower case. */
export function fold(text: string): string {
  if (isAscii(text)) return text.toLowerCase()
  const plain = text.normalize('NFKD').replace(ignored, '').normalize('NFC')
  // Final sigma has a form of its own, and ß is SS in capitals.
  return plain.toLowerCase().replace(/\u03c2|\u00df|\u0307/g, lowered)
}

const lowered = (letter: string) => (letter === '\u03c2' ? '\u03c3' : letter === '\u00df' ? 'ss' : '')

export function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  return /^[\x00-\x7f]*$/.test(text)
}

/**
 * ASCII and the common non-letters of Western texts: blanks, dashes, quotation marks and the like. None of them
 * decomposes or becomes a letter when folded.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const plain = /^[\x00-\x7f\xa0\xa9\xab\xae\xbb\u2010-\u2015\u2018-\u201f\u2022\u2026\u20ac]*$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const marks = /[^\x00-\x7f]+/g

/** Non-ASCII letters at most this many ASCII characters apart are folded in one piece. */
const mostBetween = 32

/** Returns the tokens of a text, in order. */
export function tokensOf(text: string, most: number): string[] {
  const whole = text.length > maxTextLength ? text.slice(0, maxTextLength) : text
  const out: string[] = []
  if (plain.test(whole)) addPlain(out, whole)
  else addMixed(out, whole, most)
  if (out.length > most) out.length = most
  return out
}

/** Folds only the words around non-ASCII characters; pure ASCII takes a tenth of the time. */
function addMixed(out: string[], text: string, most: number): void {
  for (let done = 0; done < text.length && out.length < most; ) {
    let at = done
    while (at < text.length && text.charCodeAt(at) <= 0x7f) at++
    let from = at
    while (at < text.length && from > done && isWordCode(text.charCodeAt(from - 1))) from--
    addPlain(out, text.slice(done, from))
    let end = at + 1
    for (let next = end; next < text.length && next - end < mostBetween; next++)
      if (text.charCodeAt(next) > 0x7f) end = next + 1
    while (end < text.length && (text.charCodeAt(end) > 0x7f || isWordCode(text.charCodeAt(end)))) end++
    walk(fold(text.slice(from, end)), word => {
      out.push(word)
      return out.length < most
    })
    done = end
  }
}

function addPlain(out: string[], text: string): void {
  for (const word of text.toLowerCase().match(/[a-z0-9]+/g) ?? []) out.push(cut(word))
}

const isWordCode = (code: number) =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || (code >= 0x30 && code <= 0x39)

/** @param take Returns whether to continue. */
function walk(folded: string, take: (word: string, isRest: boolean) => boolean): void {
  if (isAscii(folded)) {
    for (const word of folded.match(/[a-z0-9]+/g) ?? []) if (!take(cut(word), false)) return
    return
  }
  for (const [piece, run] of folded.matchAll(pieces)) {
    const goesOn = run === undefined ? take(cut(piece), false) : takeBigrams(run, take)
    if (!goesOn) return
  }
}

function takeBigrams(run: string, take: Parameters<typeof walk>[1]): boolean {
  let last = ''
  for (const letter of run) {
    if (last !== '' && !take(last + letter, false)) return false
    last = letter
  }
  return take(last, true)
}

const cut = (word: string) => (word.length > maxTokenLength ? word.slice(0, maxTokenLength).toWellFormed() : word)

/**
 * Returns the tokens to store, with each word repeated no more often than both databases can hold.
 * @param sharers Divisor of the positions per word: fields other than the body get half of them.
 */
export function storedTokens(text: string, most: number, sharers: number): string[] {
  const tokens = tokensOf(text, most)
  let length = 0
  for (let at = 0; at < tokens.length; at++) {
    length += tokens[at]!.length
    if (length > maxLength) tokens.length = at
  }
  const maxRepeats = Math.floor(maxPositions / sharers)
  if (tokens.length <= maxRepeats) return tokens
  const seen = new Map<string, number>()
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!
    const count = (seen.get(token) ?? 0) + 1
    seen.set(token, count)
    if (count > maxRepeats) tokens[at] = filler
  }
  return tokens
}

/** Counts of words by a hash of first letter, last letter and length. */
const counted = new Uint8Array(1024)

/**
 * Returns text that yields exactly the stored tokens when split at all but ASCII letters and digits; undefined if it
 * takes more than that. It suffices for most texts, and saves listing their words, which takes most of the time of
 * storing them.
 */
export function plainText(text: string, most: number, sharers: number): string | undefined {
  if (text.length > maxLength || !plain.test(text)) return undefined
  const maxRepeats = Math.floor(maxPositions / sharers)
  counted.fill(0)
  let [words, from, hasMarks] = [0, -1, false]
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : 0x20
    hasMarks ||= code > 0x7f
    if (isWordCode(code)) {
      if (from === -1) from = at
      continue
    }
    if (from === -1) continue
    const length = at - from
    const [first, last] = [text.charCodeAt(from) | 0x20, text.charCodeAt(at - 1) | 0x20]
    const place = (first * 37 + last * 11 + length) & 1023
    from = -1
    words++
    if (words > most || length > maxTokenLength || counted[place]! >= maxRepeats) return undefined
    counted[place]!++
  }
  return hasMarks ? text.replaceAll(marks, ' ') : text
}

/** Consecutive words; with `isPrefix`, the last one is a prefix. */
export interface Phrase {
  words: string[]
  isPrefix: boolean
}

/** Parses a query phrase; undefined if it has no letters or digits. */
export function phraseOf(text: string, isPrefix: boolean): Phrase | undefined {
  const tokens: Token[] = []
  walk(fold(text.slice(0, 1000)), (word, isRest) => tokens.push({ word, isRest }) > 0)
  const last = tokens.at(-1)
  if (last === undefined) return undefined
  if (!last.isRest) return { words: tokens.map(({ word }) => word), isPrefix }
  const before = tokens.at(-2)
  // In a text the run may continue after this last letter, so the bigrams suffice. A lone letter is a bigram's prefix.
  const isAlone = before === undefined || before.isRest || !endsWith(before.word, last.word)
  const words = tokens.map(({ word }) => word)
  if (isAlone) return { words, isPrefix: true }
  return { words: words.slice(0, -1), isPrefix: false }
}

const endsWith = (word: string, letter: string) => word.length > letter.length && word.endsWith(letter)
