/** Searches a folder with ImapFlow: translates terms, and returns the newest matches, however many a server found. */
import type { ImapFlow, SearchObject } from 'imapflow'
import { Problem } from '../../platform/problem.ts'
import type { SearchKey, SearchTerm } from '../search-term.ts'
import { countUids, eachUid, readUidSet, type UidRange } from '../uid-ranges.ts'

export interface Found {
  /** Total number of matches. */
  total: number
  /** The newest below the given UID, descending; at most `limit`. */
  uids: number[]
  hasMore: boolean
}

/** UIDs have 32 bits (RFC 9051, section 2.3.1.1). */
const maxUid = 2 ** 32 - 1

/**
 * Searches for UIDs, which arrive as ranges (ESEARCH, RFC 4731) that are never expanded. On servers that send plain
 * numbers, ImapFlow builds ranges, of 16 million UIDs at most.
 * @param belowUid Only messages with a lower UID are searched.
 */
export async function searchUids(
  client: ImapFlow,
  term: SearchTerm | undefined,
  limit: number,
  belowUid: number | undefined,
): Promise<Found> {
  if (belowUid !== undefined && belowUid <= 1) return { total: 0, uids: [], hasMore: false }
  const query = { ...toSearchObject(term), ...(belowUid !== undefined && { uid: `1:${belowUid - 1}` }) }
  const found = await client.search(query, { uid: true, returnOptions: ['ALL', 'COUNT'] })
  if (!found) throw refused(term)
  return newestOf(Array.isArray(found) ? found.join() : found.all, limit, belowUid)
}

/**
 * Converts a term to ImapFlow's query, which holds each key once. Repeated keys are expressed by De Morgan: a and b is
 * not (not a or not b). That avoids parentheses, which some servers get wrong, and `NOT NOT`, which Courier refuses.
 */
export function toSearchObject(term: SearchTerm | undefined): SearchObject {
  if (term === undefined) return {}
  const query: SearchObject = {}
  const never: SearchObject[] = []
  const all = term.kind === 'and' ? term.terms : [term]
  const keys = all.map(each => keyOf(toCondition(each, false)))
  for (const [index, each] of all.entries()) {
    const key = keys[index]!
    // All conditions of a repeated key, so that there are at least two.
    if (key === 'not' || keys.indexOf(key) !== keys.lastIndexOf(key)) never.push(toCondition(each, true))
    else Object.assign(query, toCondition(each, false))
  }
  const [first, ...others] = never
  if (first === undefined) return query
  return { ...query, not: others.length === 0 ? first : { or: never } }
}

function keyOf(condition: SearchObject): string {
  return Object.keys(condition).join()
}

/** Returns a query with a single key; `not` and `or` nest. Double negations cancel out. */
function toCondition(term: SearchTerm, isNegated: boolean): SearchObject {
  if (term.kind === 'not') return toCondition(term.term, !isNegated)
  if ('terms' in term) {
    const [first, ...others] = term.terms
    if (first !== undefined && others.length === 0) return toCondition(first, isNegated)
    // Joined by OR: negated if the terms are joined by AND.
    const isEach = term.kind === 'or'
    const or = term.terms.map(each => toCondition(each, !isEach))
    return isNegated === isEach ? { not: { or } } : { or }
  }
  if (term.kind === 'flag') return { [term.flag]: term.isSet !== isNegated }
  return isNegated ? { not: toKey(term) } : toKey(term)
}

function toKey(term: Exclude<SearchKey, { kind: 'flag' }>): SearchObject {
  switch (term.kind) {
    case 'text': {
      const { text } = term
      const heads = [{ subject: text }, { from: text }, { to: text }, { cc: text }]
      return { or: term.inBody ? [...heads, { body: text }] : heads }
    }
    case 'to':
      return { or: [{ to: term.text }, { cc: term.text }] }
    case 'from':
    case 'cc':
    case 'bcc':
    case 'subject':
    case 'body':
      return { [term.kind]: term.text }
    case 'keyword':
      return { keyword: term.keyword }
    case 'after':
      return { since: term.day }
    case 'before':
      return { before: term.day }
    case 'larger':
    case 'smaller':
      return { [term.kind]: term.bytes }
  }
}

/** Returns the newest UIDs of a set. @param set Ranges in any order; undefined when nothing was found. */
export function newestOf(set: string | undefined, limit: number, beforeUid = maxUid + 1): Found {
  const ranges = readUidSet(set ?? '')
  const uids: number[] = []
  let below = beforeUid
  for (const [first, last] of ranges.toReversed()) {
    // One more than `limit` shows that there are more.
    for (let uid = Math.min(last, below - 1); uid >= first && uids.length <= limit; uid--) {
      uids.push(uid)
      below = uid
    }
    if (uids.length > limit) break
  }
  return { total: countUids(ranges), uids: uids.slice(0, limit), hasMore: uids.length > limit }
}

/** Returns the lowest UIDs, up to `limit`. */
export function oldestOf(ranges: readonly UidRange[], limit: number): { uids: number[]; hasMore: boolean } {
  const uids: number[] = []
  for (const uid of eachUid(ranges)) {
    if (uids.length === limit) return { uids, hasMore: true }
    uids.push(uid)
  }
  return { uids, hasMore: false }
}

/** ImapFlow does not expose the response of a server that refuses a search. */
function refused(term: SearchTerm | undefined): Problem {
  const isAscii = term === undefined || wordsOf(term).every(text => /^[\x20-\x7e]*$/.test(text))
  const hint = isAscii ? '' : ' It may not support non-ASCII text.'
  return new Problem('mail_server_refused', `The mail server rejected this search.${hint}`, { part: 'imap' })
}

function wordsOf(term: SearchTerm): string[] {
  if (term.kind === 'not') return wordsOf(term.term)
  if ('terms' in term) return term.terms.flatMap(wordsOf)
  return 'text' in term ? [term.text] : []
}
