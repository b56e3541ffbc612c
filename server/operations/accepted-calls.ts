/** Accepts operations, idempotently if their call has a key, and only while the account's queue has capacity. */
import { createHash } from 'node:crypto'
import { setImmediate as yieldLoop } from 'node:timers/promises'
import type { Fact } from '../../contract/event.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import { noProposals, type ProposalIntake, type ProposedItem } from '../platform/proposal-intake.ts'
import { AccountTurns, type Turn } from './account-turns.ts'
import type { CallKeyStore } from './call-key-store.ts'
import type { EarlyLook } from './early-look.ts'
import type { FreshOperations } from './fresh-operations.ts'
import type { StillMay } from './operation-control.ts'
import { changedFact } from './operation-facts.ts'
import type { OperationStore } from './operation-store.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'
import { toProposed } from './operation-words.ts'
import type { ShownOperations } from './shown-operations.ts'

export interface OperationBounds {
  /** Unfinished operations per account; calls beyond it are refused as `too_many_operations`. */
  pendingOperations: number
  pendingMessages: number
}

export const defaultBounds: OperationBounds = { pendingOperations: 500, pendingMessages: 100_000 }
/** How long a call may be repeated under its idempotency key. */
export const keyMs = 24 * 60 * 60_000

/** A call that its sender may repeat safely. */
export interface KeyedCall {
  principal: Principal
  /** The `Idempotency-Key`; undefined for a call without one. */
  key: string | undefined
  digest: string
}

export interface NewOperation {
  operation: OperationRow
  items: readonly ItemRow[]
  /** Id of the operation that must be done first, such as the creation of the target folder. */
  needs?: string
}

/** The read-ahead of an operation while it is being accepted. */
export interface TakenAhead {
  /** Resolves when the read has ended, or at once when it is not expected to end soon. */
  soon(): Promise<void>
  /** Returns the rows to store instead, if any. Called in the transaction, right before the insert. */
  toStore(transaction: Database): Promise<Omit<NewOperation, 'needs'> | undefined>
  ended(isTaken: boolean): void
  /** Resolves when the command was sent to the mail server, or after a short timeout. */
  sent(): Promise<void>
}

type Publish = (fact: Fact) => void
/** Attempts to accept a call whose mode (done or proposed) keeps changing; then it fails as `overloaded`. */
const mostLooks = 5
const keyForm = /^[\x21-\x7e]{1,200}$/

/** @throws Problem when the key is malformed. */
export function checkKey(key: string | undefined): void {
  if (key === undefined || keyForm.test(key)) return
  throw badInput('header.idempotency-key', 'must be 1 to 200 visible ASCII characters')
}

/** @throws Problem when the key is malformed. */
export function keyedCall(principal: Principal, key: string | undefined, what: readonly unknown[]): KeyedCall {
  checkKey(key)
  // Serializing and hashing a thousand names is worth it only for a call with a key.
  const digest = key === undefined ? '' : createHash('sha256').update(JSON.stringify(what)).digest('base64url')
  return { principal, key, digest }
}

export interface AcceptedCallsOptions {
  store: OperationStore
  keys: CallKeyStore
  shown: Pick<ShownOperations, 'expect' | 'show' | 'forget'>
  /** Cache from which the queue takes operations instead of reading them back. */
  fresh: FreshOperations
  /** Omitted when no change needs approval. */
  intake?: ProposalIntake
  /** Called with operations that are about to be accepted; omitted to disable reading ahead. */
  lookAhead?(added: readonly NewOperation[], early?: EarlyLook): TakenAhead | undefined
  /** Called as soon as a call arrives, with the path of its target folder. */
  lookEarly?(accountId: string, to: string | undefined): EarlyLook | undefined
}

/** What the acceptance of a call builds on. */
export interface TakenWith {
  /** The checks that allowed the operations; repeated in the transaction. */
  still?: readonly (StillMay | undefined)[]
  /** The early look of the call. */
  early?: EarlyLook | undefined
  /** Resolves when the items are complete, which they must be when they are stored. */
  complete?: Promise<void> | undefined
}

/** Another process changed the mode after it was read; the transaction rolls back. */
class ModeChanged extends Error {}

export class AcceptedCalls {
  readonly #store: OperationStore
  readonly #keys: CallKeyStore
  readonly #hub: Pick<EventHub, 'transact'>
  readonly #bounds: OperationBounds
  readonly #shown: Pick<ShownOperations, 'expect' | 'show' | 'forget'>
  readonly #fresh: FreshOperations
  readonly #intake: ProposalIntake
  readonly #lookAhead: NonNullable<AcceptedCallsOptions['lookAhead']>
  readonly #lookEarly: NonNullable<AcceptedCallsOptions['lookEarly']>
  readonly #turns = new AccountTurns()
  readonly #now: () => number

  constructor(
    { store, keys, shown, fresh, intake = noProposals, lookAhead, lookEarly }: AcceptedCallsOptions,
    hub: Pick<EventHub, 'transact'>,
    bounds: OperationBounds,
    now: () => number = Date.now,
  ) {
    this.#store = store
    this.#keys = keys
    this.#shown = shown
    this.#fresh = fresh
    this.#intake = intake
    this.#lookAhead = lookAhead ?? (() => undefined)
    this.#lookEarly = lookEarly ?? (() => undefined)
    this.#hub = hub
    this.#bounds = bounds
    this.#now = now
  }

  /** Starts reading for an operation as soon as its call arrives, unless other operations are ahead of it. */
  lookEarly(accountId: string, to: string | undefined): EarlyLook | undefined {
    return this.#lookEarly(accountId, to)
  }

  /** @returns The earlier answer under this key, if any. @throws Problem when the key was used for another call. */
  async repeated({ principal, key, digest }: KeyedCall, db?: Database): Promise<string | undefined> {
    if (key === undefined) return undefined
    const kept = await this.#keys.find({ principal_id: principal.id, key }, db)
    if (!kept || Date.parse(kept.at) < this.#now() - keyMs) return undefined
    if (kept.digest === digest) return kept.answer
    const detail = 'This Idempotency-Key was used for a request with other content within the last 24 hours.'
    throw new Problem('idempotency_key_reused', detail)
  }

  /**
   * Accepts all operations or none. They are done from now on, or wait for approval; afterwards the rows say which.
   * Each account's operations are stored in id order, so nothing may be awaited between taking an id and this call.
   * @param answer Called when the rows are in their stored form.
   * @returns The answer of an earlier call under the same key; nothing is accepted then.
   */
  async take(
    call: KeyedCall,
    added: readonly NewOperation[],
    answer: () => string,
    given: TakenWith = {},
  ): Promise<string | undefined> {
    // Awaited further below, unless the call fails before.
    given.complete?.catch(() => undefined)
    const turn = this.#turns.begin(added.map(({ operation }) => operation.account_id))
    try {
      return await this.#inTurn(turn, call, added, answer, given)
    } finally {
      turn.end()
    }
  }

  async #inTurn(
    turn: Turn,
    call: KeyedCall,
    added: readonly NewOperation[],
    answer: () => string,
    { still = [], early, complete }: TakenWith,
  ): Promise<string | undefined> {
    // The transaction decides between done and proposed, but changes are shown before it commits: check, then retry.
    for (let look = 1; look <= mostLooks; look++) {
      const isProposed = await this.#intake.isProposing(call.principal)
      const check = async (transaction: Database) => {
        if ((await this.#intake.isProposing(call.principal, transaction)) !== isProposed) throw new ModeChanged()
        for (const check of still) await check?.(transaction)
      }
      try {
        return await (isProposed
          ? this.#takeProposed(turn, call, added, answer, check, complete)
          : this.#take(turn, call, added, answer, check, early, complete))
      } catch (error) {
        if (!(error instanceof ModeChanged)) throw error
      }
    }
    throw new Problem('overloaded', 'The policy is being changed; try again.', { retryAfterSeconds: 1 })
  }

  async #takeProposed(
    turn: Turn,
    call: KeyedCall,
    added: readonly NewOperation[],
    answer: () => string,
    check: StillMay,
    complete: Promise<void> | undefined,
  ): Promise<string | undefined> {
    await complete
    return this.#keep(turn, call, answer, async (transaction, publish) => {
      await check(transaction)
      await this.#propose(transaction, publish, call.principal, added)
    })
  }

  async #take(
    turn: Turn,
    call: KeyedCall,
    added: readonly NewOperation[],
    answer: () => string,
    check: StillMay,
    early: EarlyLook | undefined,
    complete: Promise<void> | undefined,
  ): Promise<string | undefined> {
    const ahead = this.#lookAhead(added, early)
    // Lets the first command of the read-ahead leave while the rest is prepared.
    if (ahead) await yieldLoop()
    for (const { operation, items } of added) {
      this.#shown.expect(operation, items)
      this.#fresh.keep(operation, items)
    }
    let isTaken = false
    let before: string | undefined
    try {
      await Promise.all([complete, ahead?.soon()])
      before = await this.#keep(turn, call, answer, async (transaction, publish) => {
        await check(transaction)
        await this.#insert(transaction, publish, added, ahead)
      })
      isTaken = before === undefined
    } finally {
      ahead?.ended(isTaken)
      const operations = added.map(({ operation }) => operation)
      if (isTaken) {
        this.#shown.show(operations)
        turn.end()
      } else {
        for (const operation of operations) {
          this.#shown.forget(operation)
          this.#fresh.forget(operation.id)
        }
      }
    }
    // The answer is serialized while the mail server is at work.
    if (isTaken) await ahead?.sent()
    return before
  }

  async #keep(
    turn: Turn,
    call: KeyedCall,
    answer: () => string,
    store: (transaction: Database, publish: Publish) => Promise<void>,
  ): Promise<string | undefined> {
    await turn.come()
    return this.#hub.transact(async (transaction, publish) => {
      const before = await this.repeated(call, transaction)
      if (before !== undefined) return before
      await store(transaction, publish)
      const { principal, key, digest } = call
      const at = new Date(this.#now()).toISOString()
      const kept = { principal_id: principal.id, digest, at, answer: answer() }
      if (key !== undefined) await this.#keys.keep(transaction, { ...kept, key })
      return undefined
    })
  }

  async #insert(
    transaction: Database,
    publish: Publish,
    added: readonly NewOperation[],
    ahead: TakenAhead | undefined,
  ): Promise<void> {
    const accounts = Map.groupBy(added, ({ operation }) => operation.account_id)
    for (const [accountId, ofAccount] of accounts) {
      const messages = ofAccount.reduce((sum, { items }) => sum + items.length, 0)
      await this.checkRoom(transaction, accountId, ofAccount.length, messages)
    }
    for (const taken of added) {
      // Only a call with a single operation has a read-ahead.
      const { operation, items } = (await ahead?.toStore(transaction)) ?? taken
      await this.#store.insert(transaction, operation, items)
      if (operation.undo_of !== null) {
        await this.#store.update(transaction, operation.undo_of, { undone_by: operation.id })
      }
      publish(changedFact(operation))
    }
  }

  /** Stores proposals, deduplicated: a row whose change is already proposed becomes the existing operation. */
  async #propose(
    transaction: Database,
    publish: Publish,
    principal: Principal,
    added: readonly NewOperation[],
  ): Promise<void> {
    const twins = new Map<string, string>()
    for (const [accountId, ofAccount] of Map.groupBy(added, ({ operation }) => operation.account_id)) {
      const fresh: NewOperation[] = []
      const proposed: ProposedItem[] = []
      for (const each of ofAccount) {
        const { operation, items, needs } = each
        // None of its messages was found, so there is nothing to approve.
        if (operation.settled_at !== null) {
          await this.#store.insert(transaction, operation, items)
          publish(changedFact(operation))
          continue
        }
        const item = toProposed(operation, items, needs === undefined ? [] : [twins.get(needs) ?? needs])
        const twin = await this.#intake.findTwin(transaction, principal, accountId, item.hash)
        const row = twin === undefined ? undefined : await this.#store.find(twin, transaction)
        if (row) {
          twins.set(operation.id, row.id)
          Object.assign(operation, row)
          continue
        }
        fresh.push(each)
        proposed.push(item)
      }
      if (fresh.length === 0) continue
      const proposalId = await this.#intake.put(transaction, publish, principal, accountId, proposed)
      for (const { operation, items } of fresh) {
        Object.assign(operation, { state: 'proposed', proposal_id: proposalId })
        await this.#store.insert(transaction, operation, items)
        publish(changedFact(operation))
      }
    }
  }

  /** @throws Problem when the account would exceed its bounds on unfinished operations. */
  async checkRoom(transaction: Database, accountId: string, added: number, addedMessages: number): Promise<void> {
    const { operations, messages } = await this.#store.countPending(accountId, transaction)
    const { pendingOperations, pendingMessages } = this.#bounds
    const isFull = operations + added > pendingOperations || messages + addedMessages > pendingMessages
    if (!isFull) return
    const detail = `${operations} operations with ${messages} messages of this account are not finished yet; try again later.`
    throw new Problem('too_many_operations', detail, { retryAfterSeconds: 10 })
  }
}
