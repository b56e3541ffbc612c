/** The order of search results across accounts, and page ends that stay stable as mail arrives. */
import type { MessageRefs } from '../imap/message-ref.ts'
import { badInput } from '../platform/problem.ts'

/** Sort position of a hit. Ties are broken by account, then by arrival in the folder, the later first. */
export interface HitPosition {
  /** Null when sorting by date. */
  score: number | null
  /** Row in the index, which is about the second of reception. */
  seconds: number
  accountId: string
  /** Tie-break of messages that the index lacks: the inverted UID and the id. Empty for indexed ones. */
  tie: string
}

/** The last hit of a page. */
export interface PageEnd extends HitPosition {
  /** Upper bound of rows, and the time used for scoring, of a search by relevance. */
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

/** Compares by code units, independent of the locale. */
function compareText(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1
}

/** Higher UIDs come first. */
export function tieOf(uid: number, messageId: string): string {
  return (2 ** 32 - uid).toString(16).padStart(9, '0') + messageId
}

/** Exclusive upper bound of index rows, which are unique within an account. */
export function secondsBelow(end: PageEnd, accountId: string): number {
  return compareText(accountId, end.accountId) <= 0 ? end.seconds : end.seconds + 1
}

type Sealer = Pick<MessageRefs, 'encodeEnd' | 'decodeEnd'>

export function toCursor(refs: Sealer, search: string, { score, seconds, accountId, tie, top, now }: PageEnd): string {
  return refs.encodeEnd(search, JSON.stringify([seconds, accountId, tie, score, top, now]))
}

/** @throws Problem `bad_request` for a cursor that was not issued for this search. */
export function fromCursor(refs: Sealer, search: string, cursor: string): PageEnd {
  const text = refs.decodeEnd(search, cursor)
  if (text === undefined) throw badInput('query.cursor', 'is not a cursor of this search')
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
