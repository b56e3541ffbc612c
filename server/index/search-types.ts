/** What a search of an account's index takes and answers: plain data, passed between threads. */
import type { IndexReach } from './index-reach.ts'
import type { IndexedMessage } from './index-types.ts'
import type { SearchFacets } from './search-rank.ts'
import type { SearchNode } from './search-tree.ts'
import type { Snippet } from './snippet.ts'

export interface IndexSearch {
  tree: SearchNode
  order: 'date' | 'rank'
  /** At most 100. */
  limit: number
  cursor?: SearchCursor
  /** False: texts are not looked into, whatever the tree says, and nothing of them is in the answer. */
  inBody: boolean
  /** Whether `total` and `facets` are wanted, or the first alone. */
  counts: boolean | 'total'
  /** Milliseconds. */
  now: number
}

/** Where a page ended. New mail is in front of it, and moves nothing behind it. */
export type SearchCursor =
  | { order: 'date'; rowid: number }
  /** Hits are those up to `top`, their scores those of `now`. */
  | { order: 'rank'; rowid: number; score: number; top: number; now: number }

/** Where a hit stands among others, also those of other accounts: by score where the best are wanted, then by row. */
export interface HitPlace {
  /** About the second in which it was received. */
  rowid: number
  /** Null unless the best are wanted. */
  score: number | null
}

/** Which messages match, without what is in them. */
export interface FoundPlaces {
  places: HitPlace[]
  /** Null after the last one. */
  nextCursor: SearchCursor | null
  /** The newest that matches; null unless the best are wanted, and where there is none. */
  top: number | null
  /** Null where it was not asked for. Up to a thousand it is exact. */
  total: { count: number; isExact: boolean } | null
  /** Of the hits that were counted; null where they were not asked for. */
  facets: SearchFacets | null
  /** Names after `in:` that no folder of this account has. */
  unknownFolders: string[]
  reach: IndexReach
}

export interface SearchHit extends HitPlace {
  message: IndexedMessage
  snippet: Snippet | null
}

/** How hits are written; what the thread of the index needs to know of it. */
export interface HitStyle {
  accountId: string
  /** The address of the account: what resembles it is suspicious. */
  own: string
  /** Whether previews are wanted, and may be read. */
  hasPreview: boolean
  /** With the paths of folders in place of their names: a message is named in a folder that the search means. */
  tree: SearchNode
}

/** Makes the text of a hit; given by what knows how messages are shown and named. */
export type HitWriter = (hit: SearchHit, style: HitStyle) => string

export interface WrittenHit {
  rowid: number
  json: string
}

export interface SearchAnswer extends Omit<FoundPlaces, 'places'> {
  hits: SearchHit[]
}
