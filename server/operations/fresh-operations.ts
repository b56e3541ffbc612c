/** Operations that were just taken in, as they are stored: the queue of this process need not read them again. */
import type { ItemRow, OperationRow } from './operation-tables.ts'

export interface FreshOperation {
  operation: OperationRow
  items: readonly ItemRow[]
}

/** Of all accounts; the oldest are forgotten, and read like any other. */
const most = 4

export class FreshOperations {
  readonly #kept = new Map<string, FreshOperation>()

  /** Before it is stored: from then on it may be done at any time. */
  keep(operation: OperationRow, items: readonly ItemRow[]): void {
    if (operation.state !== 'pending') return
    // The caller is told how it was taken in, whatever becomes of it meanwhile.
    this.#kept.set(operation.id, { operation: { ...operation }, items })
    for (const id of this.#kept.keys()) {
      if (this.#kept.size <= most) break
      this.#kept.delete(id)
    }
  }

  /** Once. Only where nobody can have changed it since it was stored. */
  take(id: string): FreshOperation | undefined {
    const fresh = this.#kept.get(id)
    this.#kept.delete(id)
    return fresh
  }

  /** It was read, or not stored. */
  forget(id: string): void {
    this.#kept.delete(id)
  }
}
