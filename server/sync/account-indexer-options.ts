/** What the index of one account is kept with. */
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
  /** Login and server that it is read from. */
  mailbox: string
  /** Of this account. */
  index: IndexOperations
  /** What was asked to be done to its messages. */
  expected?: AccountExpectations
  /** Addresses of its owner. */
  own?: readonly string[]
  db: Database
  /** Writes only while this process may. */
  hub: Pick<EventHub, 'transact'>
  pool: Pick<ConnectionPool, 'run'>
  logger: Logger
  backoff?: Backoff
  /** Between two looks at all folders. */
  roundMs?: number
  /** Flags of a folder whose server counts no changes are compared after so many rounds. */
  roundsBetweenFlags?: number
  /** Whether texts are fetched, or headers alone. */
  hasTexts?: boolean
  /** Milliseconds until the next step may begin; 0 for at once. */
  pace?(step: BackgroundStep): Promise<number>
  /** Hears how far it has come, until all that is known to be there is indexed. */
  progress?: Pick<SyncProgress, 'at' | 'end'>
}
