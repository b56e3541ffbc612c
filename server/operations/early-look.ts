/** What is read for a call before it is known whether it may have that done: nothing is told, and nothing opened for a change. */
import type { Lease } from '../platform/lease.ts'
import type { Looked } from './mail-step.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'

export interface EarlyLook {
  /** The folder of the messages, as far as it is known yet; it is opened read-only. */
  open(path: string): void
  /** At these messages, while nothing has come since the call did. @param operation Without an id yet. */
  look(operation: OperationRow, items: readonly ItemRow[]): void
}

export class BegunLook implements EarlyLook {
  /** Under which nothing was left to do. */
  readonly lease: Lease
  /** What had come by then. */
  readonly came: number
  readonly #open: (path: string) => Promise<unknown>
  #opening: Promise<unknown> | undefined
  readonly #read: (operation: OperationRow, items: readonly ItemRow[]) => Promise<Looked | undefined>
  #looking: Promise<Looked | undefined> | undefined
  #items: readonly ItemRow[] = []

  /** @param open Must not reject: an error also occurs in the look, which reports it. */
  constructor(
    lease: Lease,
    came: number,
    open: (path: string) => Promise<unknown>,
    read: (operation: OperationRow, items: readonly ItemRow[]) => Promise<Looked | undefined>,
  ) {
    this.lease = lease
    this.came = came
    this.#open = open
    this.#read = read
  }

  open(path: string): void {
    this.#opening = this.#open(path)
  }

  look(operation: OperationRow, items: readonly ItemRow[]): void {
    this.#items = items
    this.#looking = this.#lookThen(operation, items)
    this.#looking.catch(() => undefined)
  }

  async #lookThen(operation: OperationRow, items: readonly ItemRow[]): Promise<Looked | undefined> {
    await this.#opening
    return this.#read(operation, items)
  }

  /** Undefined where it was at others, or at none. */
  at(items: readonly ItemRow[]): Promise<Looked | undefined> | undefined {
    return this.#items === items ? this.#looking : undefined
  }
}
