/** Collaborators and settings of an account's indexer. */
import type { EventHub } from '../events/event-hub.ts'
import type { Backoff } from '../imap/backoff.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { AccountExpectations } from '../index/expected-changes.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import type { SyncProgress } from './sync-progress.ts'
import type { BackgroundStep } from './usage-service.ts'

export interface AccountIndexerOptions {
  accountId: string
  /** Login and server that the index is read from. */
  mailbox: string
  /** The operations on this account's index. */
  index: IndexOperations
  /** Requested changes of its messages that may still be in flight. */
  expected?: AccountExpectations
  /** Email addresses of the account's owner. */
  own?: readonly string[]
  db: Database
  /** Publishes facts; rejects writes once this process has lost its lease. */
  hub: Pick<EventHub, 'transact'>
  pool: Pick<ConnectionPool, 'run'>
  logger: Logger
  backoff?: Backoff
  /** Pause between two rounds over all folders, in milliseconds. */
  roundMs?: number
  /** Rounds between two comparisons of all flags in folders without MODSEQ. */
  roundsBetweenFlags?: number
  /** False indexes headers only, and no texts. */
  hasTexts?: boolean
  /** Returns the milliseconds until the next step may begin; 0 for immediately. */
  pace?(step: BackgroundStep): Promise<number>
  /** Receives the progress until everything known to exist is indexed. */
  progress?: Pick<SyncProgress, 'at' | 'end'>
}
