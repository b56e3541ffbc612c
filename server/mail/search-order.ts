/** The order of what a search found in several accounts, and where in it a page ended: stable while new mail comes. */
import type { MessageRefs } from '../imap/message-ref.ts'
import { Problem } from '../platform/problem.ts'

/** Where a hit stands. Of two alike the one whose account comes first is in front, then the one that came into its folder later. */
export interface HitPosition {
  /** Null where the newest come first. */
  score: number | null
  /** About the second in which it was received: the row of the index. */
  seconds: number
  accountId: string
  /** Of a message that the index does not have: its UID, turned round, and its id. Empty for those that it has. */
  tie: string
}

/** The last hit of a page. */
export interface PageEnd extends HitPosition {
  /** By relevance: hits are those up to this second, as they were scored at this time. */
  top?: number
  now?: number
}

export function compareHits(one: HitPosition, other: HitPosition): number {
  return (
    (other.score ?? 0) - (one.score ?? 0) ||
    other.seconds - one.seconds ||
    compareText(one.accountId, other.accountId) ||
    compareText(one.tie, other.tie)
  )
}

/** By code units, which no locale changes. */
function compareText(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1
}

/** Higher UIDs come first. */
export function tieOf(uid: number, messageId: string): string {
  return (2 ** 32 - uid).toString(16).padStart(9, '0') + messageId
}

/** The second that hits of the index must be below. Those of one account have seconds of their own. */
export function secondsBelow(end: PageEnd, accountId: string): number {
  return compareText(accountId, end.accountId) <= 0 ? end.seconds : end.seconds + 1
}

type Sealer = Pick<MessageRefs, 'encodeEnd' | 'decodeEnd'>

export function toCursor(refs: Sealer, search: string, { score, seconds, accountId, tie, top, now }: PageEnd): string {
  return refs.encodeEnd(search, JSON.stringify([seconds, accountId, tie, score, top, now]))
}

/** @throws Problem `bad_request` for what was not made for this search. */
export function fromCursor(refs: Sealer, search: string, cursor: string): PageEnd {
  const text = refs.decodeEnd(search, cursor)
  if (text === undefined) {
    const errors = [{ path: 'query.cursor', message: 'is not a cursor of this search' }]
    throw new Problem('bad_request', 'query.cursor: is not a cursor of this search', { errors })
  }
  const [seconds, accountId, tie, score, top, now] = JSON.parse(text) as [
    number,
    string,
    string,
    number | null,
    number | null,
    number | null,
  ]
  return { seconds, accountId, tie, score, ...(top !== null && { top }), ...(now !== null && { now }) }
}
