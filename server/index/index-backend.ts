/** Opens the indexes of accounts in one kind of database. */
import type { IndexDatabase } from './index-tables.ts'

export interface OpenOptions {
  /** Opens existing indexes read-only; the writer has created them. */
  isReader: boolean
  now?: () => number
  /** Upper bound on open files; the least recently used is closed. */
  maxOpen?: number
}

/** An open index, valid during `IndexBackend.use`. */
export interface OpenIndex {
  db: IndexDatabase
  account: number
  bytes(): Promise<number>
  /** Rebuilds one bloated database index, and returns whether it did. Omitted where none bloat. */
  tighten?(): Promise<boolean>
}

/** Access to the indexes of accounts in one kind of database. */
export interface IndexBackend {
  /**
   * Opens an account's index for the duration of `work`.
   * @throws IndexFault `damaged`: a writer starts with an empty one next time.
   */
  use<Result>(accountId: string, work: (index: OpenIndex) => Promise<Result>): Promise<Result>
  /** Closes an account's index, so that another thread can remove it. */
  release(accountId: string): Promise<void>
  /** Removes an account's whole index. */
  drop(accountId: string): Promise<void>
  close(): Promise<void>
}
