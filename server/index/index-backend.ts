/** What opens the indexes of accounts in one kind of database. */
import type { IndexDatabase } from './index-tables.ts'

export interface OpenOptions {
  /** Opens what the one that writes has made, and never changes it. */
  isReader: boolean
  now?: () => number
  /** Files that are open at most; that which was used longest ago is closed. */
  maxOpen?: number
}

/** An index that is open, while it is used. */
export interface OpenIndex {
  db: IndexDatabase
  account: number
  bytes(): Promise<number>
  /** Gives back room that indexes take beyond their entries, one at a time, and says whether it did. Left out where none do. */
  tighten?(): Promise<boolean>
}

/** Of one kind of database. */
export interface IndexBackend {
  /** @throws IndexFault `damaged`: a writer begins with an empty one the next time. */
  use<Result>(accountId: string, work: (index: OpenIndex) => Promise<Result>): Promise<Result>
  /** Closes it, so that another thread may remove it. */
  release(accountId: string): Promise<void>
  /** Removes all that is indexed. */
  drop(accountId: string): Promise<void>
  close(): Promise<void>
}
