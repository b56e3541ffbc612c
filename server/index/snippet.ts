/** A piece of a message's text around what was searched for, in its own spelling, and where in it the hits are. */
import { fold, isAscii, type Phrase, phraseOf, tokensOf } from './fulltext.ts'
import { placeOf } from './search-rank.ts'
import type { SearchNode } from './search-tree.ts'

export interface Snippet {
  text: string
  /** Characters of `text`, in order: from the first one, up to but without the second. */
  hits: [from: number, to: number][]
}

/** Characters around a hit, in front of it, and of all texts that are looked through. */
const [length, before, mostText] = [160, 40, 256 * 1024]
const beginning = 2_000
/** No more hits are marked, whatever a text says. */
const maxHits = 20
const segmented = /[\p{L}\p{N}\p{M}\p{Cf}]+/gu

/** What is searched for in texts: not what must not be in them. */
export function phrasesOf(node: SearchNode): Phrase[] {
  if (node.kind === 'and' || node.kind === 'or') return node.nodes.flatMap(phrasesOf)
  if (node.kind !== 'body' && !(node.kind === 'text' && node.inBody)) return []
  const phrase = phraseOf(node.text, node.isPrefix)
  return phrase ? [phrase] : []
}

interface PlacedWord {
  word: string
  from: number
  to: number
}

/** Most texts have a hit near their beginning, and few are long. */
export function snippetIn(text: string, phrases: readonly Phrase[]): Snippet | null {
  return (
    snippetNear(text, beginning, phrases) ?? (text.length > beginning ? snippetNear(text, mostText, phrases) : null)
  )
}

function snippetNear(text: string, most: number, phrases: readonly Phrase[]): Snippet | null {
  const words = placedWords(text.slice(0, most))
  const plain = words.map(({ word }) => word)
  const firsts = phrases.map(phrase => placeOf(phrase, plain, 0)).filter(at => at !== -1)
  if (firsts.length === 0) return null
  const first = words[Math.min(...firsts)]!
  const from = beginOf(text, Math.max(first.from - before, 0))
  const to = endOf(text, Math.min(from + length, text.length))
  const found: [number, number][] = []
  for (const phrase of phrases) {
    let at = placeOf(phrase, plain, 0)
    while (at !== -1 && words[at]!.from < to && found.length < maxHits) {
      const last = words[at + phrase.words.length - 1]!
      if (words[at]!.from >= from) found.push([words[at]!.from - from, Math.min(last.to, to) - from])
      at = placeOf(phrase, plain, at + 1)
    }
  }
  // Line ends become blanks one by one, so that all places stay where they are.
  return { text: text.slice(from, to).replaceAll(/\s/g, ' '), hits: merged(found) }
}

/** The words of a text as the index has them, each with the characters that it was made of. */
function placedWords(text: string): PlacedWord[] {
  const placed: PlacedWord[] = []
  for (const { 0: piece, index } of text.matchAll(segmented)) {
    if (piece.length <= 64 && isAscii(piece)) {
      placed.push({ word: piece.toLowerCase(), from: index, to: index + piece.length })
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

/** Letter by letter: of a run of bigrams each is in two of them. */
function insideOf(piece: string, index: number, words: readonly string[]): PlacedWord[] {
  // Where each letter of the folded piece comes from.
  const sources: [from: number, to: number][] = []
  let letters = ''
  let at = index
  // Most text of such scripts is as it is folded. Letter by letter, snippets of 50 texts took 44 ms of processor instead of 28.
  if (!joined.test(piece) && fold(piece) === piece) return asTheyStand(piece, index, words)
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
    // The next bigram begins with the last letter of this one.
    searchFrom = found + (word.codePointAt(0)! > 0xffff ? 2 : 1)
  }
  return placed
}

/** What one letter is joined with: those that stand on it. */
const joined = /[\p{M}\uff9e\uff9f]/u

function asTheyStand(piece: string, index: number, words: readonly string[]): PlacedWord[] {
  const placed: PlacedWord[] = []
  let searchFrom = 0
  for (const word of words) {
    const found = piece.indexOf(word, searchFrom)
    if (found === -1) continue
    placed.push({ word, from: index + found, to: index + found + word.length })
    searchFrom = found + (word.codePointAt(0)! > 0xffff ? 2 : 1)
  }
  return placed
}

function merged(found: [number, number][]): [number, number][] {
  const out: [number, number][] = []
  for (const [from, to] of found.sort((one, other) => one[0] - other[0] || one[1] - other[1])) {
    const last = out.at(-1)
    if (last && from <= last[1]) last[1] = Math.max(last[1], to)
    else out.push([from, to])
  }
  return out
}

/** At a word's beginning where one is near, and never within a pair. */
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
