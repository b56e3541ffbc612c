/** What a search says term by term, as far as the page must know it; the rest of it the server reads. */
import { searchTerm } from '../../contract/mail.ts'

/** The path or role after `in:`; undefined when it names none. */
export function folderOf(query: string): string | undefined {
  const found = ownTerms(query).find(([, , key]) => key?.toLowerCase() === 'in')
  return found && (found[3]?.replaceAll(/\\(.)/gu, '$1') ?? found[5])
}

/** The same search in the folder that is shown, unless it names another one. */
export function searchIn(folder: string, query: string): string {
  // Behind an open quote it would be a part of what is in it.
  if (isOpen(query) || termsOf(query).some(namesFolder)) return query
  return `${closed(query)} ${termOf('in', folder)}`
}

/** `from:"Anna Stone"`: a value with anything but letters, digits and what addresses have stands in quotes. */
export function termOf(key: string, value: string): string {
  const isPlain = key !== 'in' && /^[\p{L}\p{N}@._+-]+$/u.test(value)
  return `${key}:${isPlain ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`}`
}

export function hasTerm(query: string, term: string): boolean {
  return ownTerms(query).some(([whole]) => whole.toLowerCase() === term.toLowerCase())
}

/** The search with the term at its end. */
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

/** Its terms with a key, as they stand there. */
export function keyedTerms(query: string): string[] {
  return [...new Set(ownTerms(query).flatMap(([whole, , key]) => (key ? [whole] : [])))]
}

/** So that what follows is said of all of it: with its last quote, and in parentheses where it is of alternatives. */
function closed(query: string): string {
  const whole = (isOpen(query) ? `${query}"` : query).trim()
  return outer(whole).hasOr ? `(${whole})` : whole
}

/** Terms that everything found must match: none where there are alternatives, and not those in parentheses. */
function ownTerms(query: string): RegExpExecArray[] {
  const { terms, hasOr } = outer(query)
  return hasOr ? [] : terms
}

/** What stands outside of parentheses. */
function outer(query: string): { terms: RegExpExecArray[]; hasOr: boolean } {
  let depth = 0
  const terms = termsOf(query).filter(term => {
    // Those in quotes are characters like others.
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
