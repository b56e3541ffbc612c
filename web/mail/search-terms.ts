/** What a search says of the folder that it looks into; the rest of it the server reads. */
import { searchTerm } from '../../contract/mail.ts'

/** The path or role after `in:`; undefined when it names none. */
export function folderOf(query: string): string | undefined {
  const found = termsOf(query).find(([, , key]) => key?.toLowerCase() === 'in')
  return found && (found[3]?.replaceAll(/\\(.)/gu, '$1') ?? found[5])
}

/** The same search in the folder that is shown, unless it names another one. */
export function searchIn(folder: string, query: string): string {
  // What the server says of a place in it must be true of what was typed: so nothing is put in front, or behind an open quote.
  const isOpen = termsOf(query).some(([, , , , end]) => end === '')
  // Behind an OR it would be said of what stands behind it alone.
  if (isOpen || /(^|\s)OR(\s|$)/u.test(query) || folderOf(query) !== undefined) return query
  return `${query} in:"${folder.replaceAll(/["\\]/g, '\\$&')}"`
}

function termsOf(query: string): RegExpExecArray[] {
  return [...query.matchAll(new RegExp(searchTerm, 'giu'))].filter(([whole]) => whole !== '')
}
