/** Dependencies of the runners, which carry out the operations of one account. */
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
  /** @throws LeaseLost when another process runs the operations of the account now. */
  lease(): Lease
  isHeld: IsHeld
  /** Returns the time for an operation that is settled now, later than those of all before it. */
  settledAt(): string
  shown: Pick<ShownOperations, 'follow' | 'brought' | 'renameFolder'>
  /** Called when something changed in a folder. */
  notice(path: string): void
  /** Called when folders were created, renamed or deleted. */
  noticeFolders(): void
}
