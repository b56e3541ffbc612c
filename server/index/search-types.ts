/** Input and result types of a search in an account's index: plain data that can be passed between threads. */
import type { IndexReach } from './index-reach.ts'
import type { IndexedMessage } from './index-types.ts'
import type { SearchFacets } from './search-rank.ts'
import type { SearchNode } from './search-tree.ts'
import type { Snippet } from './snippet.ts'

export interface IndexSearch {
  tree: SearchNode
  order: 'date' | 'rank'
  /** Hits per page, at most 100. */
  limit: number
  cursor?: SearchCursor
  /** Whether texts may be searched and returned; false overrides the tree. */
  inBody: boolean
  /** Whether to compute `total` and `facets`, or only the total. */
  counts: boolean | 'total'
  /** Current time in milliseconds. */
  now: number
}

/** Where a page ended. New mail comes before it, so that it does not shift later pages. */
export type SearchCursor =
  | { order: 'date'; rowid: number }
  /** Only hits up to `top` are included, scored as of `now`. */
  | { order: 'rank'; rowid: number; score: number; top: number; now: number }

/** Sort position of a hit, also among hits of other accounts: by score when ranked, then by row id. */
export interface HitPlace {
  /** Approximately the second in which the message was received. */
  rowid: number
  /** Null unless ranked. */
  score: number | null
}

/** The hits of a search, without their content. */
export interface FoundPlaces {
  places: HitPlace[]
  /** Null on the last page. */
  nextCursor: SearchCursor | null
  /** Row id of the newest hit; null unless ranked, or if there is none. */
  top: number | null
  /** Null if not requested; exact up to a thousand. */
  total: { count: number; isExact: boolean } | null
  /** Facets of the counted hits; null if not requested. */
  facets: SearchFacets | null
  /** Names after `in:` that match no folder of this account. */
  unknownFolders: string[]
  reach: IndexReach
}

export interface SearchHit extends HitPlace {
  message: IndexedMessage
  snippet: Snippet | null
}

/** How the thread of the index renders hits. */
export interface HitStyle {
  accountId: string
  /** The account's address: look-alikes of it are suspicious. */
  own: string
  /** Whether previews are requested and permitted. */
  hasPreview: boolean
  /** The query with folder names resolved to paths, so that a hit's reference uses its place in a searched folder. */
  tree: SearchNode
}

/** Renders a hit; supplied by the feature that knows how messages are shown and referenced. */
export type HitWriter = (hit: SearchHit, style: HitStyle) => string

export interface WrittenHit {
  rowid: number
  json: string
}

export interface SearchAnswer extends Omit<FoundPlaces, 'places'> {
  hits: SearchHit[]
}
