/**
 * An operation that is taken in while nothing else of its account is left to do: what is read before it is done is read while it is stored. Where
 * that is read in time, it is stored with what the mail server is about to be told: one commit in place of two.
 */
import type { Database } from '../platform/database/database.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import type { FreshOperation } from './fresh-operations.ts'
import type { Looked } from './mail-step.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'
import { OperationWork } from './operation-work.ts'

export interface StoredAhead extends FreshOperation {
  /** Those that were looked at, as they are stored. */
  changed: readonly ItemRow[]
}

/** For the command: the folder is opened before it, which takes a mail server longer where messages came to it since. */
const mostWaitMs = 10
/** A mail server that was looked at within this time the last time is waited for as long: that saves a commit. */
const nearMs = 10

export class LookedAhead {
  /** As it was taken in: nobody was told anything of it. */
  readonly operation: OperationRow
  readonly items: readonly ItemRow[]
  readonly lease: Lease
  /** Undefined where it could not be read, or earlier operations have moved some of them. Never rejects. */
  readonly looking: Promise<Looked | undefined>
  /** Whether it is waited for. */
  readonly isNear: boolean
  #looked: Looked | undefined
  readonly #told = Promise.withResolvers<void>()
  readonly #spoiled = Promise.withResolvers<undefined>()
  #isSpoiled = false
  #stored: StoredAhead | undefined

  /**
   * @param looking Of the first group of its messages.
   * @param lastMs How long this thread waited for it the last time; undefined where that is not known.
   */
  constructor(
    { operation, items }: FreshOperation,
    lease: Lease,
    looking: Promise<Looked | undefined>,
    lastMs?: number,
  ) {
    // The caller is told how it was taken in, whatever becomes of it meanwhile.
    this.operation = { ...operation }
    this.items = items
    this.lease = lease
    this.isNear = lastMs !== undefined && lastMs <= nearMs
    this.looking = looking.then(looked => {
      this.#looked = looked
      return looked
    })
  }

  /** Something else came: what was read may not be so when its turn comes. */
  spoil(): void {
    this.#isSpoiled = true
    this.#spoiled.resolve(undefined)
  }

  get isSpoiled(): boolean {
    return this.#isSpoiled
  }

  /** How it is stored; undefined where it is stored as it was taken in. */
  get stored(): StoredAhead | undefined {
    return this.#stored
  }

  /** The mail server has its command, or gets none soon. */
  wasTold(): void {
    this.#told.resolve()
  }

  /** Resolves then. To wait for a connection may take longer than anybody should wait here. */
  async told(): Promise<void> {
    if (this.#stored) await within(this.#told.promise, mostWaitMs)
  }

  /** Resolves when it was read, where that is soon and of use: a mail server that is far away is not waited for, and nobody waits behind this in vain. */
  async soon(): Promise<void> {
    if (this.isNear && !this.#isSpoiled) await within(Promise.race([this.looking, this.#spoiled.promise]), nearMs)
  }

  /** In the transaction that takes it in, right before it is written. */
  async toStore(transaction: Database): Promise<StoredAhead | undefined> {
    if (!this.#looked || this.#isSpoiled || !(await this.#isOurs(transaction))) return undefined
    // While that was asked, something may have come.
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

/** Undefined where nothing is to be told: then it is done like any other. */
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
