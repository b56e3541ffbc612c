/**
 * Operations that wait for approval: applied, so that the queue runs them like new ones, or ended with nothing done.
 */

import type { Fact } from '../../contract/event.ts'
import type { Operation } from '../../contract/operations.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import type { AcceptedCalls } from './accepted-calls.ts'
import type { FolderArguments } from './folder-kinds.ts'
import { changedFact } from './operation-facts.ts'
import type { OperationStore } from './operation-store.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'
import { toOperation } from './operation-view.ts'
import type { ShownOperations } from './shown-operations.ts'

export interface ProposedOperationsOptions {
  store: OperationStore
  calls: Pick<AcceptedCalls, 'checkRoom'>
  shown: Pick<ShownOperations, 'expect' | 'show' | 'forget'>
  /** Called when a change is applied, with the caller that proposed it and the number of messages. */
  taken?(principal: Pick<Principal, 'id' | 'kind'>, messages: number): void
  now?: () => number
}

type Publish = (fact: Fact) => void

export class ProposedOperations {
  readonly #options: ProposedOperationsOptions
  readonly #now: () => number
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ProposedOperationsOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /**
   * Finds operations without checking access.
   * @returns Each with whether it deletes, which takes more to apply.
   */
  async findAll(ids: readonly string[]): Promise<{ operation: Operation; isDeletion: boolean }[]> {
    const rows = await this.#options.store.findAll(ids)
    return rows.map(row => ({ operation: toOperation(row), isDeletion: isDeletion(row) }))
  }

  /** @returns In order of position. */
  items(id: string): Promise<ItemRow[]> {
    return this.#options.store.items(id)
  }

  /**
   * Shows the change from before it is stored, since it may run at any time from then on. Calls are serialized:
   * a late one must not take back what an earlier one shows.
   * @param work Runs the transaction that applies the operation.
   * @returns The result of `work`: true if the operation was applied.
   */
  async applying(id: string, work: () => Promise<boolean>): Promise<boolean> {
    const turn = this.#last.then(() => this.#applying(id, work))
    this.#last = turn.catch(() => undefined)
    return turn
  }

  async #applying(id: string, work: () => Promise<boolean>): Promise<boolean> {
    const { store, shown, taken } = this.#options
    const row = await store.find(id)
    if (row?.state !== 'proposed') return false
    shown.expect(row, await store.items(id))
    let isApplied = false
    try {
      isApplied = await work()
      if (isApplied) taken?.({ id: row.principal_id, kind: row.principal_kind }, Number(row.total))
      return isApplied
    } finally {
      if (isApplied) shown.show([row])
      else shown.forget(row)
    }
  }

  /** @returns Whether it was proposed. @throws Problem when the account has too many unfinished operations. */
  async apply(transaction: Database, publish: Publish, id: string): Promise<boolean> {
    const { store, calls } = this.#options
    const row = await store.find(id, transaction)
    if (row?.state !== 'proposed') return false
    await calls.checkRoom(transaction, row.account_id, 1, Number(row.total))
    // Dated by the approval, from which giving up after a day and the `since` of an undo count.
    const values = { state: 'pending', at: this.#at() } as const
    await store.update(transaction, id, values)
    if (row.undo_of !== null) await store.update(transaction, row.undo_of, { undone_by: id })
    publish(changedFact({ ...row, ...values }))
    return true
  }

  /** Ends a proposed operation without doing anything. */
  async end(transaction: Database, publish: Publish, id: string, code: string, why: string): Promise<void> {
    const { store } = this.#options
    const row = await store.find(id, transaction)
    if (row?.state !== 'proposed') return
    const items = (await store.items(id, transaction)).filter(({ state }) => state === 'waiting')
    const failed = { state: 'failed', code, why } as const
    await store.saveItems(
      transaction,
      items.map(item => ({ item, values: failed })),
    )
    const values: Partial<OperationRow> = {
      state: 'declined',
      failed: Number(row.failed) + items.length,
      settled_at: this.#at(),
    }
    await store.update(transaction, id, values)
    publish(changedFact({ ...row, ...values }))
  }

  #at(): string {
    return new Date(this.#now()).toISOString()
  }
}

/** Whether the operation deletes messages and is not an undo. */
function isDeletion(row: OperationRow): boolean {
  if (row.undo_of !== null) return false
  return row.kind === 'delete' || (JSON.parse(row.arguments) as Partial<FolderArguments>).isEmptied === true
}
