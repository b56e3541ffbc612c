/** What is read for a call before it is known whether it may have that done: nothing is told, and nothing opened for a change. */
import type { Lease } from '../platform/lease.ts'
import type { Looked } from './mail-step.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'

export interface EarlyLook {
  /** At these messages, while nothing has come since the call did. @param operation Without an id yet. */
  look(operation: OperationRow, items: readonly ItemRow[]): void
}

export class BegunLook implements EarlyLook {
  /** Under which nothing was left to do. */
  readonly lease: Lease
  /** What had come by then. */
  readonly came: number
  readonly #read: (operation: OperationRow, items: readonly ItemRow[]) => Promise<Looked | undefined>
  #looking: Promise<Looked | undefined> | undefined
  #items: readonly ItemRow[] = []

  constructor(
    lease: Lease,
    came: number,
    read: (operation: OperationRow, items: readonly ItemRow[]) => Promise<Looked | undefined>,
  ) {
    this.lease = lease
    this.came = came
    this.#read = read
  }

  look(operation: OperationRow, items: readonly ItemRow[]): void {
    this.#items = items
    this.#looking = this.#read(operation, items)
    this.#looking.catch(() => undefined)
  }

  /** Undefined where it was at others, or at none. */
  at(items: readonly ItemRow[]): Promise<Looked | undefined> | undefined {
    return this.#items === items ? this.#looking : undefined
  }
}
