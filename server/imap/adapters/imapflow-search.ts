/** Searches a folder with ImapFlow: terms in its words, and the newest of what a server found, however much that is. */
import type { ImapFlow, SearchObject } from 'imapflow'
import { Problem } from '../../platform/problem.ts'
import type { SearchTerm } from '../search-query.ts'
import { countUids, readUidSet } from '../uid-ranges.ts'

export interface Found {
  /** How many in all. */
  total: number
  /** The newest below the UID that was asked for, falling; at most as many as asked for. */
  uids: number[]
  hasMore: boolean
}

/** UIDs have 32 bits (RFC 9051, section 2.3.1.1). */
const maxUid = 2 ** 32 - 1

/**
 * Asks for all UIDs, which come as ranges (ESEARCH, RFC 4731) that are never spelled out. Where a server knows only numbers, ImapFlow
 * makes ranges of them, and takes 16 million at most.
 */
export async function searchUids(
  client: ImapFlow,
  terms: readonly SearchTerm[],
  limit: number,
  beforeUid: number | undefined,
): Promise<Found> {
  const query = toSearchObject(terms)
  const found = await client.search(query, { uid: true, returnOptions: ['ALL', 'COUNT'] })
  if (!found) throw refused(terms)
  return newestOf(Array.isArray(found) ? found.join() : found.all, limit, beforeUid)
}

/**
 * ImapFlow's queries hold each key once. What would come twice is said around the corner: a and b is not (not a or not b). That
 * needs no parentheses, which some servers get wrong, and never `NOT NOT`, which Courier refuses.
 */
export function toSearchObject(terms: readonly SearchTerm[]): SearchObject {
  const query: SearchObject = {}
  const never: SearchObject[] = []
  const conditions = terms.map(term => ({ condition: toCondition(term), isNegated: term.isNegated }))
  const keys = conditions.filter(({ isNegated }) => !isNegated).map(({ condition }) => keyOf(condition))
  for (const { condition, isNegated } of conditions) {
    const key = keyOf(condition)
    if (isNegated) never.push(condition)
    // All of a kind, so that there are two of them at least.
    else if (keys.indexOf(key) !== keys.lastIndexOf(key)) never.push({ not: condition })
    else Object.assign(query, condition)
  }
  return never.length > 0 ? { ...query, not: { or: never } } : query
}

function keyOf(condition: SearchObject): string {
  return Object.keys(condition).join()
}

/** One key each. */
function toCondition(term: SearchTerm): SearchObject {
  switch (term.kind) {
    case 'text': {
      const { text } = term
      const heads = [{ subject: text }, { from: text }, { to: text }, { cc: text }]
      return { or: term.inBody ? [...heads, { body: text }] : heads }
    }
    case 'to':
      return { or: [{ to: term.text }, { cc: term.text }] }
    case 'from':
    case 'subject':
      return { [term.kind]: term.text }
    case 'flag':
      return { [term.flag]: term.isSet }
    case 'after':
      return { since: term.day }
    case 'before':
      return { before: term.day }
    case 'larger':
      return { larger: term.bytes }
  }
}

/** @param set Ranges of UIDs in any order; none when nothing was found. */
export function newestOf(set: string | undefined, limit: number, beforeUid = maxUid + 1): Found {
  const ranges = readUidSet(set ?? '')
  const uids: number[] = []
  let below = beforeUid
  for (const [first, last] of ranges.toReversed()) {
    // One more than is wanted tells whether there are more.
    for (let uid = Math.min(last, below - 1); uid >= first && uids.length <= limit; uid--) {
      uids.push(uid)
      below = uid
    }
    if (uids.length > limit) break
  }
  return { total: countUids(ranges), uids: uids.slice(0, limit), hasMore: uids.length > limit }
}

/** ImapFlow does not pass on the words of a server that refuses to search. */
function refused(terms: readonly SearchTerm[]): Problem {
  const isAscii = terms.every(term => !('text' in term) || /^[\x20-\x7e]*$/.test(term.text))
  const hint = isAscii ? '' : ' It may not support non-ASCII text.'
  return new Problem('mail_server_refused', `The mail server rejected this search.${hint}`, { part: 'imap' })
}
