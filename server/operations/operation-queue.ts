/** Runs the operations of all accounts: each account's in order and one at a time, so that none delays another. */

import type { NewOperation, TakenAhead } from './accepted-calls.ts'
import { AccountLane } from './account-lane.ts'
import type { EarlyLook } from './early-look.ts'
import { isFolderKind } from './folder-kinds.ts'
import type { AccountLaneOptions } from './lane-options.ts'

export type OperationQueueOptions = AccountLaneOptions

export class OperationQueue {
  readonly #options: OperationQueueOptions
  readonly #lanes = new Map<string, AccountLane>()
  readonly #stopped = new AbortController()
  #unsubscribe: (() => void)[] = []

  constructor(options: OperationQueueOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { hub, store } = this.#options
    this.#unsubscribe = [
      // Includes operations that another process accepted.
      hub.listen('operation_changed', ({ account_id, operation_id, state }) => {
        if (state === 'pending') this.#wake(account_id, operation_id)
      }),
      // With a new login, or enabled again, the account may work now.
      hub.listen('account_updated', ({ account_id }) => this.#lanes.get(account_id)?.wake()),
      hub.listen('account_removed', ({ account_id }) => this.#remove(account_id)),
    ]
    for (const accountId of await store.accountsWithPending()) this.#wake(accountId)
  }

  /**
   * Starts an early look for a call.
   * @param to Its target folder.
   * @returns Undefined when nothing can be read ahead.
   */
  lookEarly(accountId: string, to: string | undefined): EarlyLook | undefined {
    const lane = this.#lanes.get(accountId)
    return lane?.ahead.beginEarly(to, lane.idleLease)
  }

  /**
   * Starts the read-ahead of operations that are about to be accepted.
   * @param early The early look of their call.
   * @returns Undefined when nothing can be read ahead.
   */
  lookAhead(added: readonly NewOperation[], early?: EarlyLook): TakenAhead | undefined {
    const [first, ...others] = added
    if (!first) return undefined
    const { operation, items } = first
    const lane = this.#lanes.get(operation.account_id)
    const isAlone = others.length === 0 && operation.undo_of === null && !isFolderKind(operation.kind)
    if (!isAlone || operation.state !== 'pending') {
      for (const { operation: each } of added) this.#lanes.get(each.account_id)?.ahead.spoil()
      return undefined
    }
    const ahead = lane?.ahead.begin(operation, items, lane.idleLease, early)
    return (
      ahead && {
        soon: () => ahead.soon(),
        toStore: transaction => ahead.toStore(transaction),
        ended: isTaken => lane?.ahead.ended(ahead, isTaken),
        sent: () => ahead.sent(),
      }
    )
  }

  /** Wakes all lanes when operations may have been released. */
  lookAgain(): void {
    for (const lane of this.#lanes.values()) lane.wake()
  }

  /** Stops all lanes. The outcome of commands in flight is determined after the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    await Promise.all([...this.#lanes.values()].map(lane => lane.stop()))
    this.#lanes.clear()
  }

  #wake(accountId: string, operationId?: string): void {
    if (this.#stopped.signal.aborted) return
    const lane = this.#lanes.get(accountId) ?? new AccountLane(accountId, this.#options)
    this.#lanes.set(accountId, lane)
    lane.wake(operationId)
  }

  #remove(accountId: string): void {
    const { logger } = this.#options
    const lane = this.#lanes.get(accountId)
    this.#lanes.delete(accountId)
    lane?.stop(true).catch((err: unknown) => logger.error({ err, account_id: accountId }, 'operations did not stop'))
  }
}
