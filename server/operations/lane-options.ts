/** What the operations of all accounts are done with. */
import type { EventHub } from '../events/event-hub.ts'
import type { Backoff } from '../imap/backoff.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { LeaseService } from '../leases/lease-service.ts'
import type { Logger } from '../platform/logger.ts'
import type { FreshOperations } from './fresh-operations.ts'
import type { MovedMessageStore } from './moved-message-store.ts'
import { type IsHeld, isNeverHeld } from './operation-control.ts'
import type { OperationStore } from './operation-store.ts'
import type { ShownOperations } from './shown-operations.ts'

export interface AccountLaneOptions {
  store: OperationStore
  moved: MovedMessageStore
  hub: Pick<EventHub, 'transact' | 'listen'>
  pool: Pick<ConnectionPool, 'run' | 'runOnce' | 'restWatching' | 'untilWorthTrying'>
  leases: Pick<LeaseService, 'want'>
  shown: Pick<ShownOperations, 'follow' | 'brought' | 'renameFolder'>
  /** What this process took in. */
  fresh: Pick<FreshOperations, 'take' | 'forget'>
  /** Something changed in a folder of an account: it is to be compared now. */
  notice(accountId: string, path: string): void
  /** Folders of an account were created, renamed or deleted. */
  noticeFolders(accountId: string): void
  logger: Logger
  /** Asked before each step; left out where nothing is held. After a change of its answers `lookAgain` is called. */
  isHeld?: IsHeld
  backoff?: Backoff
  now?: () => number
  /** After so long an operation that cannot be done is given up. */
  giveUpMs?: number
}

export const laneDefaults = {
  backoff: { firstMs: 1_000, maxMs: 5 * 60_000, random: Math.random } satisfies Backoff,
  now: Date.now,
  giveUpMs: 24 * 60 * 60_000,
  isHeld: isNeverHeld,
}
