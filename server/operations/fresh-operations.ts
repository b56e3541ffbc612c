/** Caches operations that were just accepted, as stored, so that this process's queue need not read them back. */
import type { ItemRow, OperationRow } from './operation-tables.ts'

export interface FreshOperation {
  operation: OperationRow
  items: readonly ItemRow[]
}

/** Operations cached for all accounts together; the oldest is evicted, and read from the database when needed. */
const most = 4

export class FreshOperations {
  readonly #kept = new Map<string, FreshOperation>()

  /** Caches an operation. To be called before it is stored, since it may run at any time from then on. */
  keep(operation: OperationRow, items: readonly ItemRow[]): void {
    if (operation.state !== 'pending') return
    // The copy belongs to the queue; the caller's own keeps the state as accepted.
    this.#kept.set(operation.id, { operation: { ...operation }, items })
    for (const id of this.#kept.keys()) {
      if (this.#kept.size <= most) break
      this.#kept.delete(id)
    }
  }

  /** Removes and returns an operation. Only valid if nothing can have changed it since it was stored. */
  take(id: string): FreshOperation | undefined {
    const fresh = this.#kept.get(id)
    this.#kept.delete(id)
    return fresh
  }

  /** Evicts an operation that was read from the database or not stored. */
  forget(id: string): void {
    this.#kept.delete(id)
  }
}
