/**
 * The read-ahead of an operation that is accepted while its account's queue is empty: it is looked at while it is being
 * stored. If the look ends in time, the operation is stored with its intent: one commit instead of two.
 */
import type { Database } from '../platform/database/database.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import type { FreshOperation } from './fresh-operations.ts'
import type { Looked } from './mail-step.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'
import { OperationWork } from './operation-work.ts'

export interface StoredAhead extends FreshOperation {
  /** The items that were looked at, as stored. */
  changed: readonly ItemRow[]
}

/** Milliseconds to wait for the command; a server takes longer to open the folder first if messages have arrived. */
const mostWaitMs = 10
/** Milliseconds to wait for the look, if the last one took no longer than that; a look in time saves a commit. */
const nearMs = 10

export class LookedAhead {
  /** The operation as accepted, before anything was sent for it. */
  readonly operation: OperationRow
  readonly items: readonly ItemRow[]
  readonly lease: Lease
  /** The look; undefined when it failed, or earlier operations moved some of the messages. Never rejects. */
  readonly looking: Promise<Looked | undefined>
  /** Whether storing the operation waits for the look. */
  readonly isNear: boolean
  #looked: Looked | undefined
  readonly #sent = Promise.withResolvers<void>()
  readonly #spoiled = Promise.withResolvers<undefined>()
  #isSpoiled = false
  #stored: StoredAhead | undefined

  /**
   * @param looking The look at the first group of its messages.
   * @param lastMs Idle time of this thread during the previous look; undefined if that is not known.
   */
  constructor(
    { operation, items }: FreshOperation,
    lease: Lease,
    looking: Promise<Looked | undefined>,
    lastMs?: number,
  ) {
    // The copy belongs to the queue; the caller's own keeps the state as accepted.
    this.operation = { ...operation }
    this.items = items
    this.lease = lease
    this.isNear = lastMs !== undefined && lastMs <= nearMs
    this.looking = looking.then(looked => {
      this.#looked = looked
      return looked
    })
  }

  /** Invalidates the look after another arrival: it may be stale by the operation's turn. */
  spoil(): void {
    this.#isSpoiled = true
    this.#spoiled.resolve(undefined)
  }

  get isSpoiled(): boolean {
    return this.#isSpoiled
  }

  /** The rows stored with the look; undefined when the operation is stored as accepted. */
  get stored(): StoredAhead | undefined {
    return this.#stored
  }

  /** Marks the command as sent, or as not to be sent soon. */
  markSent(): void {
    this.#sent.resolve()
  }

  /** Resolves after `markSent`, or after `mostWaitMs`, since a connection may take much longer. */
  async sent(): Promise<void> {
    if (this.#stored) await within(this.#sent.promise, mostWaitMs)
  }

  /** Resolves when the look has ended or was invalidated, or after `nearMs`; at once if the mail server is slow. */
  async soon(): Promise<void> {
    if (this.isNear && !this.#isSpoiled) await within(Promise.race([this.looking, this.#spoiled.promise]), nearMs)
  }

  /** Returns the rows to store, if the look is valid. Called in the accepting transaction, right before the insert. */
  async toStore(transaction: Database): Promise<StoredAhead | undefined> {
    if (!this.#looked || this.#isSpoiled || !(await this.#isOurs(transaction))) return undefined
    // Something may have arrived while the lease was checked.
    this.#stored = this.#isSpoiled ? undefined : withLook(this.operation, this.items, this.#looked)
    return this.#stored
  }

  async #isOurs(transaction: Database): Promise<boolean> {
    try {
      await this.lease.fence(transaction)
      return true
    } catch (error) {
      if (error instanceof LeaseLost) return false
      throw error
    }
  }
}

async function within(work: Promise<unknown>, mostMs: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, mostMs)
  await Promise.race([work, late])
  clearTimeout(timer)
}

/** @returns Undefined when there is nothing to send; the operation then runs like any other. */
function withLook(
  operation: OperationRow,
  items: readonly ItemRow[],
  { verdicts, intent }: Looked,
): StoredAhead | undefined {
  const work = new OperationWork(operation, items)
  for (const [item, values] of verdicts) work.set(item, values)
  if (!work.group('sent')) return undefined
  const { total: _total, waiting: _waiting, ...counts } = work.counts
  const changed = [...verdicts.keys()].map(({ position }) => work.item(position))
  const stored = { ...operation, ...counts, intent: intent ? JSON.stringify(intent) : null }
  return { operation: stored, items: work.items, changed }
}
