/** Parses a search into terms as far as the page needs it; the server parses the rest. */
import { searchTerm } from '../../contract/mail.ts'

/** Returns the path or role after `in:`; undefined if there is none. */
export function folderOf(query: string): string | undefined {
  const found = ownTerms(query).find(([, , key]) => key?.toLowerCase() === 'in')
  return found && (found[3]?.replaceAll(/\\(.)/gu, '$1') ?? found[5])
}

/** Adds the shown folder to a search, unless it names one. */
export function searchIn(folder: string, query: string): string {
  // After an unclosed quote, the term would become part of the quoted text.
  if (isOpen(query) || termsOf(query).some(namesFolder)) return query
  return `${closed(query)} ${termOf('in', folder)}`
}

/** Builds a term, quoting the value unless it is plain: `from:"Anna Stone"`. */
export function termOf(key: string, value: string): string {
  const isPlain = key !== 'in' && /^[\p{L}\p{N}@._+-]+$/u.test(value)
  return `${key}:${isPlain ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`}`
}

export function hasTerm(query: string, term: string): boolean {
  return ownTerms(query).some(([whole]) => whole.toLowerCase() === term.toLowerCase())
}

/** Appends a term to the search. */
export function withTerm(query: string, term: string): string {
  if (hasTerm(query, term)) return query
  return `${closed(query)} ${term}`.trim()
}

export function withoutTerm(query: string, term: string): string {
  const found = ownTerms(query).find(([whole]) => whole.toLowerCase() === term.toLowerCase())
  if (!found) return query
  const [before, after] = [
    query.slice(0, found.index).trimEnd(),
    query.slice(found.index + found[0].length).trimStart(),
  ]
  return `${before} ${after}`.trim()
}

/** Returns the terms that have a key, as written. */
export function keyedTerms(query: string): string[] {
  return [...new Set(ownTerms(query).flatMap(([whole, , key]) => (key ? [whole] : [])))]
}

/** Completes a search so that a term can be appended: closes its last quote, and puts alternatives in parentheses. */
function closed(query: string): string {
  const whole = (isOpen(query) ? `${query}"` : query).trim()
  return outer(whole).hasOr ? `(${whole})` : whole
}

/** Returns the terms that every result must match: none if there are alternatives, and none in parentheses. */
function ownTerms(query: string): RegExpExecArray[] {
  const { terms, hasOr } = outer(query)
  return hasOr ? [] : terms
}

/** Returns the terms outside parentheses. */
function outer(query: string): { terms: RegExpExecArray[]; hasOr: boolean } {
  let depth = 0
  const terms = termsOf(query).filter(term => {
    // Parentheses in quotes are ordinary characters.
    const signs = [...(term[5] ?? '').matchAll(/[()]/g)].map(([sign]) => sign)
    const isOutside = depth === 0 && signs.length === 0
    for (const sign of signs) depth = Math.max(0, depth + (sign === '(' ? 1 : -1))
    return isOutside
  })
  return { terms, hasOr: terms.some(([whole]) => whole === 'OR') }
}

function namesFolder([, , key, , , word]: RegExpExecArray): boolean {
  return key?.toLowerCase() === 'in' || (key === undefined && /^[(-]+in:/i.test(word ?? ''))
}

function isOpen(query: string): boolean {
  return termsOf(query).some(([, , , , end]) => end === '')
}

function termsOf(query: string): RegExpExecArray[] {
  return [...query.matchAll(new RegExp(searchTerm, 'giu'))].filter(([whole]) => whole !== '')
}
