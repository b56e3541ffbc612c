/** What operations of an account are done with. */
import type { EventHub } from '../events/event-hub.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { Lease } from '../platform/lease.ts'
import type { MovedMessageStore } from './moved-message-store.ts'
import type { IsHeld } from './operation-control.ts'
import type { OperationStore } from './operation-store.ts'
import type { ShownOperations } from './shown-operations.ts'

export interface RunnerOptions {
  accountId: string
  store: OperationStore
  moved: MovedMessageStore
  hub: Pick<EventHub, 'transact'>
  pool: Pick<ConnectionPool, 'run' | 'runOnce' | 'restWatching'>
  /** @throws LeaseLost when another process does the operations of the account now. */
  lease(): Lease
  isHeld: IsHeld
  /** For an operation that is settled now: later than for all before it. */
  settledAt(): string
  shown: Pick<ShownOperations, 'follow' | 'brought' | 'renameFolder'>
  /** Something changed in a folder. */
  notice(path: string): void
  /** Folders were created, renamed or deleted. */
  noticeFolders(): void
}
