/** Cuts a snippet from a message's text around the first hit, in its original spelling, with positions of hits. */
import { fold, isAscii, type Phrase, phraseOf, tokensOf } from './fulltext.ts'
import type { SearchNode } from './search-tree.ts'

export interface Snippet {
  text: string
  /** Half-open, ascending ranges of characters in `text`. */
  hits: [from: number, to: number][]
}

/** Characters of a snippet, of the context before the hit, and of a text that are searched. */
const [length, before, mostText] = [160, 40, 256 * 1024]
/** Characters per chunk; a chunk without any of the wanted words is skipped without being tokenized. */
const chunk = 128
/** Upper bound on hits marked in a snippet. */
const maxHits = 20
const segmented = /[\p{L}\p{N}\p{M}\p{Cf}]+/gu
const notSegmented = /[^\p{L}\p{N}\p{M}\p{Cf}]/gu

/** Returns the phrases that are searched in texts, except negated ones. */
export function phrasesOf(node: SearchNode): Phrase[] {
  if (node.kind === 'and' || node.kind === 'or') return node.nodes.flatMap(phrasesOf)
  if (node.kind !== 'body' && !(node.kind === 'text' && node.inBody)) return []
  const phrase = phraseOf(node.text, node.isPrefix)
  return phrase ? [phrase] : []
}

/** Returns the snippet around the first hit, or null; the text is read only that far. */
export function snippetIn(whole: string, phrases: readonly Phrase[]): Snippet | null {
  const text = whole.slice(0, mostText)
  const hit = firstHit(text, phrases)
  if (!hit) return null
  const { words, index: first } = hit
  const from = beginOf(text, Math.max(words.at(first)!.from - before, 0))
  const to = endOf(text, Math.min(from + length, text.length))
  const found: [number, number][] = []
  for (let index = first; found.length < maxHits; index++) {
    const word = words.at(index)
    if (!word || word.from >= to) break
    for (const phrase of phrases) {
      if (!words.have(phrase, index)) continue
      const last = words.at(index + phrase.words.length - 1)!
      found.push([word.from - from, Math.min(last.to, to) - from])
    }
  }
  // Each whitespace character becomes one blank, so that positions stay valid.
  return { text: text.slice(from, to).replaceAll(/\s/g, ' '), hits: merged(found) }
}

function firstHit(text: string, phrases: readonly Phrase[]): { words: PlacedWords; index: number } | undefined {
  const begins = phrases.map(({ words }) => words[0]!)
  let end = 0
  for (let from = 0; from < text.length; from = end) {
    end = endOfPiece(text, from + chunk)
    const folded = fold(text.slice(from, end))
    if (!begins.some(word => folded.includes(word))) continue
    const words = new PlacedWords(text, from)
    for (let index = 0; (words.at(index)?.from ?? end) < end; index++) {
      if (phrases.some(phrase => words.have(phrase, index))) return { words, index }
    }
  }
  return undefined
}

/** Returns the end of the word that contains a position. */
function endOfPiece(text: string, at: number): number {
  if (at >= text.length) return text.length
  // Not inside a surrogate pair: half of it is not a letter.
  notSegmented.lastIndex = isLowHalf(text, at) ? at + 1 : at
  return notSegmented.exec(text)?.index ?? text.length
}

interface PlacedWord {
  word: string
  from: number
  to: number
}

/** The words of a text from a position on, tokenized lazily. */
class PlacedWords {
  readonly #text: string
  readonly #words: PlacedWord[] = []
  #end: number

  constructor(text: string, from: number) {
    this.#text = text
    this.#end = from
  }

  at(index: number): PlacedWord | undefined {
    while (index >= this.#words.length && this.#end < this.#text.length) {
      const from = this.#end
      this.#end = endOfPiece(this.#text, from + chunk)
      for (const word of placedWords(this.#text.slice(from, this.#end), from)) this.#words.push(word)
    }
    return this.#words[index]
  }

  /** Returns whether a phrase begins at a word. */
  have({ words, isPrefix }: Phrase, index: number): boolean {
    const last = words.length - 1
    return words.every((word, offset) => {
      const there = this.at(index + offset)?.word
      return isPrefix && offset === last ? there?.startsWith(word) : there === word
    })
  }
}

/** Tokenizes a text as the index does, and returns each token with the range of characters it came from. */
function placedWords(text: string, begin: number): PlacedWord[] {
  const placed: PlacedWord[] = []
  for (const { 0: piece, index: at } of text.matchAll(segmented)) {
    const index = begin + at
    if (piece.length <= 64 && isAscii(piece)) {
      placed.push({ word: piece.toLowerCase(), from: index, to: index + piece.length })
      continue
    }
    if (plain.test(piece)) {
      for (let each = 0; each < piece.length; each++) {
        const word = piece.slice(each, each + 2)
        placed.push({ word, from: index + each, to: index + each + word.length })
      }
      continue
    }
    const folded = fold(piece)
    const words = tokensOf(piece, piece.length * 18)
    if (words.length === 1 && words[0]!.length === folded.length) {
      placed.push({ word: words[0]!, from: index, to: index + piece.length })
      continue
    }
    placed.push(...insideOf(piece, index, words))
  }
  return placed
}

/** Locates tokens in a piece that folding may change, letter by letter; overlapping bigrams share a letter. */
function insideOf(piece: string, index: number, words: readonly string[]): PlacedWord[] {
  // The source range of each letter of the folded piece.
  const sources: [from: number, to: number][] = []
  let letters = ''
  let at = index
  for (const letter of piece.match(/.(?:\p{M}|\uff9e|\uff9f)*/gu) ?? []) {
    const folded = fold(letter)
    for (let unit = 0; unit < folded.length; unit++) sources.push([at, at + letter.length])
    letters += folded
    at += letter.length
  }
  const placed: PlacedWord[] = []
  let searchFrom = 0
  for (const word of words) {
    const found = letters.indexOf(word, searchFrom)
    if (found === -1) continue
    placed.push({ word, from: sources[found]![0], to: sources[found + word.length - 1]![1] })
    // The next bigram begins at this one's second letter.
    searchFrom = found + (word.codePointAt(0)! > 0xffff ? 2 : 1)
  }
  return placed
}

/** Letters indexed as bigrams and unchanged by folding, which make up most text without blanks. */
const plain = /^[\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff\uac00-\ud7a3]+$/

function merged(found: [number, number][]): [number, number][] {
  const out: [number, number][] = []
  for (const [from, to] of found.sort((one, other) => one[0] - other[0] || one[1] - other[1])) {
    const last = out.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else out.push([from, to])
  }
  return out
}

/** Moves the beginning to a nearby word boundary, and never into a surrogate pair. */
function beginOf(text: string, at: number): number {
  if (at === 0) return 0
  const blank = text.slice(at, at + 20).search(/\s/)
  if (blank !== -1) return at + blank + 1
  return isLowHalf(text, at) ? at + 1 : at
}

function endOf(text: string, at: number): number {
  if (at >= text.length) return text.length
  const blank = text.lastIndexOf(' ', at)
  if (blank > at - 20) return blank
  return isLowHalf(text, at) ? at - 1 : at
}

function isLowHalf(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff
}
