/** What a search says term by term, as far as the page must know it; the rest of it the server reads. */
import { searchTerm } from '../../contract/mail.ts'

/** The path or role after `in:`; undefined when it names none. */
export function folderOf(query: string): string | undefined {
  const found = termsOf(query).find(([, , key]) => key?.toLowerCase() === 'in')
  return found && (found[3]?.replaceAll(/\\(.)/gu, '$1') ?? found[5])
}

/** The same search in the folder that is shown, unless it names another one. */
export function searchIn(folder: string, query: string): string {
  // What the server says of a place in it must be true of what was typed: so nothing is put in front, or behind an open quote.
  // Behind an OR it would be said of what stands behind it alone.
  if (isOpen(query) || /(^|\s)OR(\s|$)/u.test(query) || folderOf(query) !== undefined) return query
  return `${query} ${termOf('in', folder)}`
}

/** `from:"Anna Stone"`: a value with anything but letters, digits and what addresses have stands in quotes. */
export function termOf(key: string, value: string): string {
  const isPlain = key !== 'in' && /^[\p{L}\p{N}@._+-]+$/u.test(value)
  return `${key}:${isPlain ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`}`
}

export function hasTerm(query: string, term: string): boolean {
  return termsOf(query).some(([whole]) => whole.toLowerCase() === term.toLowerCase())
}

/** The search with the term at its end. */
export function withTerm(query: string, term: string): string {
  if (hasTerm(query, term)) return query
  const closed = isOpen(query) ? `${query}"` : query
  return `${closed.trim()} ${term}`.trim()
}

export function withoutTerm(query: string, term: string): string {
  const found = termsOf(query).find(([whole]) => whole.toLowerCase() === term.toLowerCase())
  if (!found) return query
  const [before, after] = [
    query.slice(0, found.index).trimEnd(),
    query.slice(found.index + found[0].length).trimStart(),
  ]
  return `${before} ${after}`.trim()
}

/** Its terms with a key, as they stand there. */
export function keyedTerms(query: string): string[] {
  return [...new Set(termsOf(query).flatMap(([whole, , key]) => (key ? [whole] : [])))]
}

function isOpen(query: string): boolean {
  return termsOf(query).some(([, , , , end]) => end === '')
}

function termsOf(query: string): RegExpExecArray[] {
  return [...query.matchAll(new RegExp(searchTerm, 'giu'))].filter(([whole]) => whole !== '')
}
