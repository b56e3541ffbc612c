/** The query of a search for one account, and its results so far. */
import type { SearchCoverage, SearchFacets, SearchSort } from '../../contract/mail-search.ts'
import type { IndexReach } from '../index/index-reach.ts'
import { foldersIn, type SearchNode } from '../index/search-tree.ts'
import type { FoundPlaces, HitStyle, WrittenHit } from '../index/search-types.ts'
import type { Problem } from '../platform/problem.ts'
import { FolderNames } from './search-folder.ts'
import type { HitPosition, PageEnd } from './search-order.ts'
import type { ServerHit } from './server-hits.ts'
import type { ServerFindings } from './server-search.ts'

export interface AccountQuery {
  accountId: string
  /** The account's current mailbox. */
  mailbox: string | undefined
  tree: SearchNode
  sort: SearchSort
  limit: number
  end: PageEnd | undefined
  inBody: boolean
  counts: boolean | 'total'
  now: number
  /** Style in which the index writes hits right away, if all of them are certain to be on the page. */
  style: Pick<HitStyle, 'own' | 'hasPreview'> | undefined
  /** True when neither index nor mail server is queried. */
  isDisabled: boolean
  /**
   * Returns why the mail server may not be queried; undefined when it may. Only called when there is something to
   * query.
   */
  serverOff(): ServerOff | undefined
}

export type ServerOff = 'not_asked' | 'too_many_accounts'

export type Hit = (HitPosition & { kind: 'indexed' }) | (ServerHit & { kind: 'on_server' })

export type AccountFacets = Omit<SearchFacets, 'counted' | 'is_complete'>

export interface AccountFindings {
  /** Sorted hits after the end of the previous page; one more than a page holds if there are as many. */
  hits: Hit[]
  hasMore: boolean
  total: { count: number; isExact: boolean } | null
  facets: AccountFacets | null
  /** Number of messages counted in the facets. */
  counted: number
  /** The newest row that the index found, for a search by relevance. */
  top: number | null
  /** The search with folder names resolved to paths. */
  tree: SearchNode
  names: FolderNames
  /** Hits that the index has already written. */
  written: readonly WrittenHit[]
  coverage: SearchCoverage
  /** Why nothing could be searched. */
  failure: Problem | undefined
}

export type Gathered = AccountFindings & { reach: IndexReach | undefined }

export function nothingFound({ accountId, tree }: AccountQuery): Gathered {
  const coverage: SearchCoverage = {
    account_id: accountId,
    answered_by: 'none',
    is_complete: false,
    index: null,
    server_folders: 0,
    unknown_folders: [],
    omissions: [],
    looked_at: null,
  }
  const names = new FolderNames([])
  return {
    ...{ hits: [], hasMore: false, total: null, facets: null, counted: 0, top: null, tree, names, written: [] },
    ...{ coverage, failure: undefined, reach: undefined },
  }
}

export function takeFound(
  findings: Gathered,
  found: FoundPlaces & { written?: readonly WrittenHit[] },
  accountId: string,
  end: PageEnd | undefined,
): void {
  findings.written = found.written ?? []
  findings.hits = found.places.map(({ rowid, score }) => ({
    kind: 'indexed',
    score,
    seconds: rowid,
    accountId,
    tie: '',
  }))
  findings.hasMore = found.nextCursor !== null
  findings.total = found.total
  findings.counted = found.total?.count ?? 0
  findings.top = end?.top ?? found.top
  findings.facets = found.facets && {
    ...found.facets,
    folders: found.facets.folders.map(folder => ({ account_id: accountId, ...folder })),
  }
}

export function takeServer(findings: Gathered, found: ServerFindings, hasIndex: boolean, query: AccountQuery): void {
  const { coverage } = findings
  const isAnswered = found.folders > 0 || found.failure === undefined
  coverage.omissions.push(...found.omissions)
  coverage.server_folders = found.folders
  if (!hasIndex) {
    findings.names = found.names
    if (isAnswered) coverage.unknown_folders = unknownOf(foldersIn(query.tree), found.names)
  }
  if (isAnswered) coverage.answered_by = hasIndex ? 'both' : 'server'
  else findings.failure = found.failure
  if (!query.counts) return
  const { count = 0, isExact = true } = findings.total ?? {}
  findings.total = { count: count + found.total, isExact: isExact && !hasIndex && found.foldersWithHits <= 1 }
}

export function unknownOf(names: readonly string[], known: FolderNames): string[] {
  return [...new Set(names)].filter(name => known.pathsOf(name).length === 0)
}
