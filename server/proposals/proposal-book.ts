/**
 * Accepts what tokens in mode `propose` ask for, and records the outcome of each item. Each change is made in its
 * caller's transaction.
 */
import type { Fact } from '../../contract/event.ts'
import type { TokenPolicy } from '../../contract/policy.ts'
import { type ProposalItemState, proposalBounds } from '../../contract/proposal.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ProposalIntake, ProposedItem } from '../platform/proposal-intake.ts'
import type { ProposalIds } from './proposal-id.ts'
import type { ProposalStore } from './proposal-store.ts'
import { type Decided, type ProposalItemRow, type ProposalRow, stateOf } from './proposal-tables.ts'

export interface ProposalBookOptions {
  store: ProposalStore
  ids: ProposalIds
  /** Reads the mode from the database; undefined for people. */
  modeOf(principal: Pick<Principal, 'kind' | 'id'>, db?: Database): Promise<TokenPolicy['mode'] | undefined>
  now?: () => number
  bounds?: { items: number; open: number }
}

export type Publish = (fact: Fact) => void
type Happened = Extract<Fact, { type: 'proposal_changed' }>['data']['event']
/** The outcome of an item. */
export interface ItemEnd {
  state: Exclude<ProposalItemState, 'waiting'>
  decided?: Decided | undefined
  why?: string | null | undefined
}

const hourMs = 60 * 60_000

export class ProposalBook implements ProposalIntake {
  readonly #options: ProposalBookOptions
  readonly #now: () => number

  constructor(options: ProposalBookOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  async isProposing(principal: Pick<Principal, 'kind' | 'id'>, db?: Database): Promise<boolean> {
    return (await this.#options.modeOf(principal, db)) === 'propose'
  }

  findTwin(transaction: Database, { id }: Principal, accountId: string, hash: string): Promise<string | undefined> {
    return this.#options.store.findTwin(transaction, id, accountId, hash)
  }

  async put(
    transaction: Database,
    publish: Publish,
    principal: Principal,
    accountId: string,
    items: readonly ProposedItem[],
  ): Promise<string> {
    const { store } = this.#options
    const at = this.#at()
    const known = items.length === 1 ? await store.findWaiting(items[0]!.id, transaction) : undefined
    const proposal =
      (known && (await store.find(known.proposal_id, transaction))) ??
      (await this.#open(transaction, principal, accountId, items.length))
    const before = await store.items([proposal.id], transaction)
    let position = before.at(-1)?.position ?? 0
    for (const item of items) {
      await store.saveItem(transaction, toRow(proposal.id, item, ++position, at))
    }
    const values = { updated_at: at, expires_at: iso(this.#now() + proposalBounds.hours * hourMs) }
    await store.update(transaction, proposal.id, values)
    await this.#tell(transaction, publish, { ...proposal, ...values }, 'proposed', items, null)
    return proposal.id
  }

  async end(
    transaction: Database,
    publish: Publish,
    itemId: string,
    state: 'withdrawn' | 'void',
    why: string | null,
  ): Promise<void> {
    const row = await this.#options.store.findWaiting(itemId, transaction)
    if (row) await this.close(transaction, publish, row, { state, why })
  }

  async drop(transaction: Database, itemId: string): Promise<void> {
    const { store } = this.#options
    const row = await store.findWaiting(itemId, transaction)
    if (!row) return
    await store.lock(transaction, row.proposal_id)
    await store.removeWaiting(transaction, itemId)
    const left = await store.items([row.proposal_id], transaction)
    if (left.length === 0) await store.delete(transaction, row.proposal_id)
    else await store.update(transaction, row.proposal_id, { state: stateOf(left) })
  }

  /** @returns Whether the item was waiting, with this hash. */
  async close(
    transaction: Database,
    publish: Publish,
    row: Pick<ProposalItemRow, 'proposal_id' | 'id' | 'hash'>,
    { state, decided, why = null }: ItemEnd,
  ): Promise<boolean> {
    const { store } = this.#options
    // Without the lock, two items that end concurrently would each see the other one waiting.
    const proposal = await store.lock(transaction, row.proposal_id)
    const values = { state, why, decided: decided ? JSON.stringify(decided) : null }
    if (!proposal || !(await store.changeItem(transaction, row, values))) return false
    const after = stateOf(await store.items([proposal.id], transaction))
    const changed = { state: after, ...(after !== 'open' && { updated_at: this.#at() }) }
    await store.update(transaction, proposal.id, changed)
    await this.#tell(transaction, publish, { ...proposal, ...changed }, state, [row], decided?.name ?? null)
    return true
  }

  /** Updates an edited item, and announces it so that pages show it again. */
  async renew(
    transaction: Database,
    publish: Publish,
    row: Pick<ProposalItemRow, 'proposal_id' | 'id' | 'hash'>,
    values: Pick<ProposalItemRow, 'hash' | 'words'>,
  ): Promise<void> {
    const { store } = this.#options
    const proposal = await store.lock(transaction, row.proposal_id)
    if (!proposal || !(await store.changeItem(transaction, row, values))) return
    await this.#tell(transaction, publish, proposal, 'proposed', [row], null)
  }

  async #open(transaction: Database, principal: Principal, accountId: string, added: number): Promise<ProposalRow> {
    const { store, ids, bounds = proposalBounds } = this.#options
    const at = this.#at()
    const found = await store.findOpen(transaction, principal.id, accountId, at)
    const open = found && (await store.lock(transaction, found.id))
    if (open?.state === 'open' && (await store.items([open.id], transaction)).length + added <= bounds.items)
      return open
    if ((await store.countOpen(principal.id, transaction)) >= bounds.open) {
      const detail = `${bounds.open} proposals of this token are already waiting for a human; withdraw some, or wait until they are decided.`
      throw new Problem('too_many_operations', detail, { retryAfterSeconds: 600 })
    }
    const row: ProposalRow = {
      id: ids.next(),
      account_id: accountId,
      principal_kind: principal.kind,
      principal_id: principal.id,
      principal_name: principal.name,
      user_id: principal.userId,
      state: 'open',
      ...{ created_at: at, updated_at: at, expires_at: at },
    }
    await store.insert(transaction, row)
    return row
  }

  async #tell(
    transaction: Database,
    publish: Publish,
    proposal: ProposalRow,
    event: Happened,
    changed: readonly { id: string }[],
    by: string | null,
  ): Promise<void> {
    const items = await this.#options.store.items([proposal.id], transaction)
    const count = (state: ProposalItemState) => items.filter(item => item.state === state).length
    const { id: proposal_id, account_id, principal_id: principal, principal_name, state } = proposal
    const counts = { items: items.length, waiting: count('waiting'), applied: count('applied') }
    const item_ids = changed.map(({ id }) => id)
    const names = { account_id, proposal_id, principal, principal_name }
    publish({ type: 'proposal_changed', data: { ...names, state, ...counts, event, item_ids, by, at: this.#at() } })
  }

  #at(): string {
    return iso(this.#now())
  }
}

function toRow(proposal_id: string, item: ProposedItem, position: number, at: string): ProposalItemRow {
  const { id, kind, hash, words, needsFirst, messages, deletions } = item
  return {
    ...{ proposal_id, id, position, kind, hash, words, messages, deletions, at },
    needs_first: JSON.stringify(needsFirst),
    state: 'waiting',
    ...{ decided: null, why: null },
  }
}

function iso(time: number): string {
  return new Date(time).toISOString()
}
