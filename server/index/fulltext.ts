/**
 * Makes the words that are searched from text: our own code, so that SQLite and PostgreSQL get the same ones. The time it takes grows with
 * the length of the text and no faster, whatever is in it.
 */

/** Longer ones are cut, in texts and queries alike. */
const maxTokenLength = 64
/** Characters that are read of a text; NFKD makes up to 18 of one. */
const maxTextLength = 512 * 1024
/** What is beyond is not searched. Segments of PostgreSQL have room for twice as many (word-postings.ts). */
export const maxTokens = { body: 16_000, field: 2_000 } as const
/** Places of one word that are kept: who writes it more often is found by the first of them. */
const maxPositions = 255
/** Letters of all words of a text together. */
const maxLength = 200_000
/** Stands where a word was repeated too often: in no query, since it is no letter. */
export const filler = '\ue000'

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

interface Token {
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
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
const marks = /[^\x00-\x7f]+/g

/** ASCII that stands between two other letters, at most, for them to be read together. */
const mostBetween = 32

/** Words in order, for texts. */
export function tokensOf(text: string, most: number): string[] {
  const whole = text.length > maxTextLength ? text.slice(0, maxTextLength) : text
  const out: string[] = []
  if (plain.test(whole)) addPlain(out, whole)
  else addMixed(out, whole, most)
  if (out.length > most) out.length = most
  return out
}

/** What is no letter of ASCII is folded, with the words that it stands in; all else takes a tenth of the time. */
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

/** @param take Answers whether there is to be one more. */
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
 * As they are stored: of one word never more than both databases keep.
 * @param sharers Into how many parts its places are divided: fields beside the body have half of them.
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

/** Words of the same first and last letter and length are counted together. */
const counted = new Uint8Array(1024)

/**
 * Text in which the words that are stored are found by splitting at all that is no letter or digit of ASCII, in small letters; undefined where it
 * takes more than that. Most texts are so, and a list of their words takes most of the time that storing them takes.
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

/** Words that stand one after the other; with `isPrefix` the last one is the beginning of a word. */
export interface Phrase {
  words: string[]
  isPrefix: boolean
}

/** Undefined where there is no letter and no digit in it. */
export function phraseOf(text: string, isPrefix: boolean): Phrase | undefined {
  const tokens: Token[] = []
  walk(fold(text.slice(0, 1000)), (word, isRest) => tokens.push({ word, isRest }) > 0)
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
