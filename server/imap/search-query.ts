/** Reads what people type to search mail (`from:anna "annual report" is:unread`) into terms that a mail server can be asked for. */
import { type Flag, maxSearchLength, searchKeys, searchTerm } from '../../contract/mail.ts'
import { Problem } from '../platform/problem.ts'

/** One condition; a query wants all of its own. */
export type SearchTerm = { isNegated: boolean } & Condition

type Condition =
  /** In subject, From, To or Cc; with `inBody` in the text as well. */
  | { kind: 'text'; text: string; inBody: boolean }
  /** `to` means To or Cc. */
  | { kind: 'from' | 'to' | 'subject'; text: string }
  | { kind: 'flag'; flag: Flag; isSet: boolean }
  /** `after` is that day or later, `before` earlier than it: `2026-11-22`. */
  | { kind: 'after' | 'before'; day: string }
  | { kind: 'larger'; bytes: number }

export interface SearchQuery {
  /** As it was typed after `in:`: a path or a role. */
  folder: string
  /** Empty when only a folder was named. */
  terms: SearchTerm[]
}

/** A piece of the query as it stands there. */
interface Piece {
  /** Where it begins, counted from 1. */
  at: number
  isNegated: boolean
  /** In small letters; undefined for a word or phrase. */
  key: string | undefined
  value: string
}

/** A server looks through all mail for each; more are no search but a load. */
const maxTerms = 20
/** IMAP counts bytes with 32 bits (RFC 9051, section 9, number). */
const maxBytes = 2 ** 32 - 1
const states: ReadonlyMap<string, { flag: Flag; isSet: boolean }> = new Map(
  Object.entries({
    unread: { flag: 'seen', isSet: false },
    read: { flag: 'seen', isSet: true },
    flagged: { flag: 'flagged', isSet: true },
    answered: { flag: 'answered', isSet: true },
    draft: { flag: 'draft', isSet: true },
  }),
)
const sizes: ReadonlyMap<string, number> = new Map(Object.entries({ '': 1, k: 1_000, m: 1_000_000 }))

/**
 * Throws `bad_request` that says what cannot be read, and where.
 * @param inBody Whether words are looked for in the text of messages too: for those who may read it.
 */
export function parseSearchQuery(query: string, { inBody }: { inBody: boolean }): SearchQuery {
  if (query.length > maxSearchLength) throw unreadable(`is longer than ${maxSearchLength} characters`)
  if (/\p{Cc}/u.test(query)) throw unreadable('must be one line without control characters')
  const pieces = split(query)
  if (pieces.length === 0) throw unreadable('has no search terms')
  if (pieces.length > maxTerms) throw unreadable(`has more than ${maxTerms} terms`)
  const folders = pieces.filter(({ key }) => key === 'in')
  if (folders[1]) throw fault(folders[1], 'a search covers one folder; in: may be used once')
  return {
    folder: folders[0] ? folderOf(folders[0]) : 'INBOX',
    terms: pieces.filter(({ key }) => key !== 'in').map(one => ({ isNegated: one.isNegated, ...read(one, inBody) })),
  }
}

function split(query: string): Piece[] {
  return [...query.matchAll(new RegExp(searchTerm, 'giu'))].filter(([whole]) => whole !== '').map(toPiece)
}

function toPiece(found: RegExpExecArray): Piece {
  const [whole, minus, key, phrase, end, word = ''] = found
  const at = found.index + 1
  // A minus by itself is a word like any other.
  if (whole === '-') return { at, isNegated: false, key: undefined, value: whole }
  if (end === '') throw fault({ at }, 'the quote is not closed')
  const value = phrase === undefined ? word : phrase.replaceAll(/\\(.)/gu, '$1')
  const name = key?.toLowerCase()
  // Folders may be called anything.
  const operator =
    phrase === undefined && name !== 'in' ? operatorFault(word, { isTerm: key === undefined }) : undefined
  if (operator !== undefined) throw fault({ at }, operator)
  return { at, isNegated: minus === '-', key: name, value }
}

function read({ at, key, value }: Piece, inBody: boolean): Condition {
  if (key === 'has') {
    throw fault(
      { at },
      'mail servers cannot search for attachments. Leave has: out; each message found says whether it has one',
    )
  }
  if (key !== undefined && !isKnown(key)) {
    const known = searchKeys.map(each => `${each}:`).join(' ')
    throw fault({ at }, `there is no ${key}: to search by, only ${known}. Put words with a colon in quotes`)
  }
  if (value.trim() === '') throw fault({ at }, key === undefined ? 'the quotes are empty' : `${key}: needs a value`)
  switch (key) {
    case undefined:
      return { kind: 'text', text: value, inBody }
    case 'from':
    case 'to':
    case 'subject':
      return { kind: key, text: value }
    case 'is':
      return stateOf(at, value)
    case 'after':
    case 'before':
      return { kind: key, day: dayOf(at, key, value) }
    case 'larger':
      return { kind: 'larger', bytes: bytesOf(at, value) }
    case 'in':
      throw new Error('folders are no terms')
  }
}

function isKnown(key: string): key is (typeof searchKeys)[number] {
  return searchKeys.some(known => known === key)
}

function folderOf({ at, value, isNegated }: Piece): string {
  if (isNegated) throw fault({ at }, 'in: names the folder to search, so it cannot be negated')
  if (value === '') throw fault({ at }, 'in: needs the path or role of a folder')
  return value
}

function stateOf(at: number, value: string): Condition {
  const state = states.get(value.toLowerCase())
  if (!state) throw fault({ at }, `is: takes ${[...states.keys()].join(', ')}`)
  return { kind: 'flag', ...state }
}

/** No mail is older than 1970 to a mail server. */
function dayOf(at: number, key: string, value: string): string {
  const date = /^(?:19[7-9]\d|[2-9]\d{3})-\d\d-\d\d$/.test(value) ? new Date(value) : new Date(Number.NaN)
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== value) {
    throw fault({ at }, `${key}: takes a day such as 2026-11-22`)
  }
  return value
}

function bytesOf(at: number, value: string): number {
  const [, number = '', unit = ''] = /^(\d{1,10})([km]?)$/i.exec(value) ?? []
  const bytes = Number(number) * (sizes.get(unit.toLowerCase()) ?? 0)
  if (number === '' || bytes < 1 || bytes > maxBytes)
    throw fault({ at }, 'larger: takes bytes, such as 5000, 500k or 5M')
  return bytes
}

function fault({ at }: Pick<Piece, 'at'>, what: string): Problem {
  return unreadable(`at character ${at}: ${what}`)
}

function unreadable(message: string): Problem {
  return new Problem('bad_request', `query.q: ${message}`, { errors: [{ path: 'query.q', message }] })
}

const each = 'Search once for each of them'
const literally = (sign: string) => `put text with ${sign} in quotes to search for it literally`

/** Spelled so they are operators elsewhere; in small letters they are words. */
const operators: ReadonlyMap<string, string> = new Map([
  ['OR', `OR is not supported yet: all terms must match. ${each}, or put "OR" in quotes to search for the word`],
  [
    'AND',
    'AND is not needed: all terms must match anyway. Leave it out, or put "AND" in quotes to search for the word',
  ],
  ['NOT', 'NOT is written as a minus in front of the term: -word. Put "NOT" in quotes to search for the word'],
  ['&&', `&& is not needed: all terms must match anyway. Leave it out, or ${literally('&&')}`],
])

const signs: readonly (readonly [RegExp, string])[] = [
  [/\|/u, `| is not supported yet: all terms must match. ${each}, or ${literally('|')}`],
  [/^\{|^[^{]*\}$/u, `{ } is not supported yet: all terms must match. ${each}, or ${literally('{ }')}`],
  // A pair inside of a word, as in f(x), groups nothing.
  [
    /^\(|^[^(]*\)$/u,
    `grouping with ( ) is not supported yet: all terms must match. Leave them out, or ${literally('( )')}`,
  ],
  [
    /^\*.|.\*$/u,
    `* is not a wildcard: the mail server decides whether parts of words match. Leave it out, or ${literally('*')}`,
  ],
  [/^[\u00ab\u00bb\u201c-\u201f]|[\u00ab\u00bb\u201c-\u201f]$/u, 'put phrases in straight quotes: "annual report"'],
  // 24" is a length.
  [/[^\d"]"$/u, 'the quote is not opened. Put quotes around the whole phrase: "annual report"'],
]

/**
 * What people write in other search fields and what means nothing here: refused with words on what to do, never looked for as a word.
 * Why a word or value outside of quotes is not read; undefined for ordinary ones.
 */
export function operatorFault(text: string, { isTerm }: { isTerm: boolean }): string | undefined {
  return (isTerm ? operators.get(text) : undefined) ?? signs.find(([sign]) => sign.test(text))?.[1]
}
