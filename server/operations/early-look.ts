/** Reads for a call before it is authorized: nothing is changed, and no folder is opened for writing. */
import type { Lease } from '../platform/lease.ts'
import type { Looked } from './mail-step.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'

export interface EarlyLook {
  /** Opens the folder of the messages read-only, as soon as it is known. */
  open(path: string): void
  /** Reads these messages; the result is used if nothing has arrived since the call. @param operation Has no id yet. */
  look(operation: OperationRow, items: readonly ItemRow[]): void
}

export class BegunLook implements EarlyLook {
  /** The lease under which the queue was empty. */
  readonly lease: Lease
  /** The number of arrivals when the look began. */
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

  /** Returns the look at exactly these items; undefined if there was none. */
  at(items: readonly ItemRow[]): Promise<Looked | undefined> | undefined {
    return this.#items === items ? this.#looking : undefined
  }
}
