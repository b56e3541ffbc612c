/** Lexer of the search language: splits a query into terms, parentheses and OR, with their positions. */
import { SearchFault } from './search-tree.ts'

export interface TermPiece {
  kind: 'term'
  /** Position of its first character, counted from 1. */
  at: number
  end: number
  isNegated: boolean
  /** Lower case; undefined for a word or phrase without a key. */
  key: string | undefined
  value: string
  /** Whether the value was in quotes. */
  isPhrase: boolean
  /** Whether the value ended with `*`. */
  isPrefix: boolean
}

export type Piece =
  | TermPiece
  | { kind: 'open'; at: number; end: number; isNegated: boolean }
  | { kind: 'close' | 'or' | 'end'; at: number; end: number }

/** An optional minus and an optional key with its colon. */
const beginning = /(-?)(?:([a-z][a-z\d_-]*):)?/iuy
const phrase = /"((?:\\.|[^"\\])*)("?)/uy

const literally = (sign: string) => `put text with ${sign} in quotes to search for it literally`
/** Operators of other search languages, with hints; in lower case they are words. */
const foreign: ReadonlyMap<string, string> = new Map([
  [
    'AND',
    'AND is not needed: all terms must match anyway. Leave it out, or put "AND" in quotes to search for the word',
  ],
  ['NOT', 'NOT is written as a minus in front of the term: -word. Put "NOT" in quotes to search for the word'],
  ['&&', `&& is not needed: all terms must match anyway. Leave it out, or ${literally('&&')}`],
])
const signs: readonly (readonly [RegExp, string])[] = [
  [/\|/u, `| is written as OR: tea OR milk. Or ${literally('|')}`],
  [/^\{|^[^{]*\}$/u, `{ } is written as OR: (tea OR milk). Or ${literally('{ }')}`],
  [/^\*./u, `* may end a word (budget*), and not begin it. Leave it out, or ${literally('*')}`],
  [/^[\u00ab\u00bb\u201c-\u201f]|[\u00ab\u00bb\u201c-\u201f]$/u, 'put phrases in straight quotes: "annual report"'],
  // A quote after a digit is allowed: 24" is a length.
  [/[^\d"]"$/u, 'the quote is not opened. Put quotes around the whole phrase: "annual report"'],
]

/** @param isGrouped Whether a parenthesis is open, so that a closing one ends a word. */
export function nextPiece(query: string, from: number, isGrouped: boolean): Piece {
  let begin = from
  while (/\s/.test(query[begin] ?? '')) begin++
  const at = begin + 1
  if (begin >= query.length) return { kind: 'end', at, end: query.length }
  if (query[begin] === ')') return { kind: 'close', at, end: begin + 1 }
  const isNegated = query[begin] === '-'
  const first = isNegated ? begin + 1 : begin
  if (query[first] === '(') return { kind: 'open', at, end: first + 1, isNegated }
  beginning.lastIndex = begin
  const [before = '', , key] = beginning.exec(query) ?? []
  const valueAt = begin + before.length
  if (query[valueAt] === '"') return phrasePiece(query, { at, valueAt, isNegated, key: key?.toLowerCase() })
  const end = endOfWord(query, valueAt, isGrouped)
  const word = query.slice(valueAt, end)
  // A lone minus is a word.
  if (before === '-' && word === '') return { ...plain, at, end, isNegated: false, key: undefined, value: '-' }
  if (key === undefined && !isNegated && word === 'OR') return { kind: 'or', at, end }
  return wordPiece(word, { at, end, isNegated, key: key?.toLowerCase() })
}

const plain = { kind: 'term', isPhrase: false, isPrefix: false } as const

function wordPiece(word: string, place: Pick<TermPiece, 'at' | 'end' | 'isNegated' | 'key'>): Piece {
  const { at, key } = place
  // Folder names may contain any characters.
  if (key === 'in') return { ...plain, ...place, value: word }
  if (key !== undefined && word.startsWith('(')) {
    throw new SearchFault(at, `${key}: takes one word or phrase. Write (${key}:anna OR ${key}:bob)`)
  }
  if (key === undefined && word === 'OR') throw new SearchFault(at, 'OR cannot be negated. Put "OR" in quotes')
  const operator = (key === undefined ? foreign.get(word) : undefined) ?? signs.find(([sign]) => sign.test(word))?.[1]
  if (operator !== undefined) throw new SearchFault(at, operator)
  const isPrefix = word.length > 1 && word.endsWith('*')
  return { ...plain, ...place, value: isPrefix ? word.slice(0, -1) : word, isPrefix }
}

function phrasePiece(query: string, place: Pick<TermPiece, 'at' | 'isNegated' | 'key'> & { valueAt: number }): Piece {
  const { valueAt, ...rest } = place
  phrase.lastIndex = valueAt
  const [whole = '', inside = '', close] = phrase.exec(query) ?? []
  if (close !== '"') throw new SearchFault(place.at, 'the quote is not closed')
  const end = valueAt + whole.length
  const isPrefix = query[end] === '*'
  return {
    kind: 'term',
    ...rest,
    end: isPrefix ? end + 1 : end,
    value: inside.replaceAll(/\\(.)/gu, '$1'),
    isPhrase: true,
    isPrefix,
  }
}

/** Finds the end of a word; balanced parentheses inside it, as in f(x), are part of it. */
function endOfWord(query: string, from: number, isGrouped: boolean): number {
  let open = 0
  let at = from
  for (; at < query.length && !/\s/.test(query[at]!); at++) {
    if (query[at] === '(') open++
    if (query[at] !== ')') continue
    if (open === 0 && isGrouped) break
    open = Math.max(open - 1, 0)
  }
  return at
}
