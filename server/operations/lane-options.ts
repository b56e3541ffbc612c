/** Dependencies and settings of the lanes, which run the operations of all accounts. */
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
  /** Operations that this process has just accepted. */
  fresh: Pick<FreshOperations, 'take' | 'forget'>
  /** Called when something changed in a folder of an account, so that its index is updated now. */
  notice(accountId: string, path: string): void
  /** Called when folders of an account were created, renamed or deleted. */
  noticeFolders(accountId: string): void
  logger: Logger
  /** Called before each step; omitted when nothing is held. `lookAgain` must follow when its answers change. */
  isHeld?: IsHeld
  backoff?: Backoff
  now?: () => number
  /** Age at which an operation that keeps failing is given up, in milliseconds. */
  giveUpMs?: number
}

export const laneDefaults = {
  backoff: { firstMs: 1_000, maxMs: 5 * 60_000, random: Math.random } satisfies Backoff,
  now: Date.now,
  giveUpMs: 24 * 60 * 60_000,
  isHeld: isNeverHeld,
}
