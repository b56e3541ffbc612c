/**
 * Reads the messages that a mail server found, as far as a page needs: each once, across folders, and none that the
 * index covers.
 */
import type { SearchSort } from '../../contract/mail-search.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { IndexHeader } from '../imap/gateway-capabilities.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import { identityOf, idOf, messageIdText } from '../index/message-identity.ts'
import { Ranking } from '../index/search-rank.ts'
import type { SearchNode } from '../index/search-tree.ts'
import { toRecord } from '../sync/message-record.ts'
import { compareHits, type HitPosition, type PageEnd, tieOf } from './search-order.ts'
import type { Candidate } from './server-search.ts'
import { looksAtPlaces } from './server-terms.ts'

export interface ServerHit extends HitPosition {
  /** The id that the index would assign. */
  messageId: string
  /** Set when the index holds the message without its text; else null. */
  threadId: string | null
  header: IndexHeader
  place: Candidate
  /** All folders in which it was found. */
  folders: string[]
}

export interface HitsQuery {
  tree: SearchNode
  sort: SearchSort
  limit: number
  end: PageEnd | undefined
  now: number
}

interface Options {
  accountId: string
  pool: Pick<ConnectionPool, 'run'>
  /** Undefined where nothing is indexed. */
  index: Pick<IndexOperations, 'heldMessages'> | undefined
}

/** The latest candidates that are scored by relevance. */
const mostScored = 200
/** Headers read per batch, and per page. */
const [atOnce, mostRead] = [100, 1_000]

/**
 * Returns one more than a page holds, if there are as many. `isCut` is true when skipped candidates might belong to the
 * page.
 * @param candidates The latest first.
 */
export async function readServerHits(
  { accountId, pool, index }: Options,
  candidates: readonly Candidate[],
  query: HitsQuery,
  signal: AbortSignal,
): Promise<{ hits: ServerHit[]; isCut: boolean }> {
  const { tree, sort, limit, end, now } = query
  const isRanked = sort === 'relevance'
  const isOfPlaces = looksAtPlaces(tree)
  const ranking = isRanked ? new Ranking(tree, end?.now ?? now) : undefined
  const meant = isRanked ? candidates.slice(0, mostScored) : candidates
  const hits = new Map<string, ServerHit>()
  const copies = new Map<string, number>()
  let at = 0
  for (; at < meant.length && at < mostRead; at += atOnce) {
    const rows = await readHeaders(accountId, pool, meant.slice(at, at + atOnce), signal)
    const named = rows.map(row => ({ ...row, id: nameOf(accountId, row, copies) }))
    const held = new Map((await index?.heldMessages(named.map(({ id }) => id)))?.map(each => [each.id, each]))
    for (const { id, header, place } of named) {
      const known = held.get(id)
      // The index has searched the whole message, so its result counts.
      if (known?.hasText && !isOfPlaces) continue
      const twin = hits.get(id)
      if (twin) {
        if (!twin.folders.includes(place.path)) twin.folders.push(place.path)
        continue
      }
      const score = ranking?.scoreOf(factsOf(header, place)) ?? null
      const position = {
        score,
        seconds: known?.rowid ?? place.seconds,
        accountId,
        tie: known ? '' : tieOf(place.uid, id),
      }
      const hit = {
        ...position,
        messageId: id,
        threadId: known?.threadId ?? null,
        header,
        place,
        folders: [place.path],
      }
      if (end === undefined || compareHits(hit, end) > 0) hits.set(id, hit)
    }
    if (!isRanked && hits.size > limit) break
  }
  const isCut = isRanked ? candidates.length > meant.length : hits.size <= limit && at < meant.length
  return { hits: [...hits.values()].sort(compareHits).slice(0, limit + 1), isCut }
}

interface ReadRow {
  header: IndexHeader
  place: Candidate
}

/** In the order of the candidates; expunged ones, and those of recreated folders, are left out. */
async function readHeaders(
  accountId: string,
  pool: Pick<ConnectionPool, 'run'>,
  candidates: readonly Candidate[],
  signal: AbortSignal,
): Promise<ReadRow[]> {
  const read = new Map<Candidate, IndexHeader>()
  for (const [path, group] of Map.groupBy(candidates, candidate => candidate.path)) {
    const uids = group.map(({ uid }) => uid)
    const answer = await pool.run(accountId, 'interactive', c => c.changes.headersOf(path, uids), signal, path)
    const byUid = new Map(answer.headers.map(header => [header.uid, header]))
    for (const candidate of group) {
      const header = byUid.get(candidate.uid)
      if (header && answer.uidValidity === candidate.uidValidity) read.set(candidate, header)
    }
  }
  return candidates.flatMap(place => {
    const header = read.get(place)
    return header ? { header, place } : []
  })
}

/** Numbers identical messages of a folder, as the index does. */
function nameOf(accountId: string, { header, place }: ReadRow, copies: Map<string, number>): string {
  const identity = identityOf(accountId, toRecord(header))
  const key = JSON.stringify([place.path, identity])
  const copy = copies.get(key) ?? 0
  copies.set(key, copy + 1)
  return messageIdText(idOf(identity, copy))
}

function factsOf({ subject, from, date, flags }: IndexHeader, { seconds }: Candidate) {
  return {
    rowid: seconds,
    subject,
    from,
    date: Date.parse(date),
    isFlagged: flags.includes('flagged'),
    isAnswered: flags.includes('answered'),
    folders: [],
  }
}
