/**
 * Shows proposals, and applies, declines or withdraws them in whole or in part. Each item is decided by its id and
 * hash, in one transaction with its effect; a message is sent only through its approval.
 */

import type { ProposalDecision, ProposalDetail, ProposalState } from '../../contract/proposal.ts'
import type { Scope } from '../../contract/scope.ts'
import { type ApprovalSettingsHolder, settingsProblem } from '../approvals/approval-settings.ts'
import type { AskerActivities } from '../approvals/asker-activities.ts'
import { type FindDecider, hasEnded } from '../approvals/current-caller.ts'
import { pageOfUndecidedFirst, type RowsQuery } from '../approvals/undecided-first.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { FreezeService } from '../freezes/freeze-service.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ItemKinds } from './item-kinds.ts'
import type { ProposalBook } from './proposal-book.ts'
import { applyRefusal, declineRefusal, maySeeProposal, noProposal } from './proposal-rights.ts'
import type { ProposalStore } from './proposal-store.ts'
import { type Decided, needsOf, type ProposalItemRow, type ProposalRow } from './proposal-tables.ts'
import { toDetail, toProposal } from './proposal-view.ts'

export interface ProposalServiceOptions {
  store: ProposalStore
  book: ProposalBook
  kinds: ItemKinds
  hub: Pick<EventHub, 'transact'>
  freezes: Pick<FreezeService, 'isFrozenNow'>
  settings: Pick<ApprovalSettingsHolder, 'read'>
  activities: Pick<AskerActivities, 'of'>
  /** Returns whether the token still has the scope that it needed to propose it. */
  mayStill(proposal: ProposalRow, scope: Scope, db?: Database): Promise<boolean>
  findDecider: FindDecider
  now?: () => number
}

export type ProposalListQuery = RowsQuery<ProposalState>

interface Chosen {
  id: string
  hash: string
}
type Result = ProposalDecision['results'][number]
type Decide = (item: ProposalItemRow, proposal: ProposalRow) => Promise<void>

const lostRights = 'The token that proposed it is no longer valid, or has fewer rights now.'

export class ProposalService {
  readonly #options: ProposalServiceOptions
  readonly #now: () => number

  constructor(options: ProposalServiceOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  async list(principal: Principal, asked: ProposalListQuery) {
    const { store } = this.#options
    const { query, rows, next } = await pageOfUndecidedFirst<ProposalState, ProposalRow>(
      {
        mark: 'o',
        id: /^p[0-9a-z]{16}$/,
        undecided: 'open',
        listUndecided: (...given) => store.listOpen(...given),
        listDecided: (...given) => store.listDecided(...given),
      },
      principal,
      asked,
    )
    const items = Map.groupBy(await store.items(rows.map(({ id }) => id)), ({ proposal_id }) => proposal_id)
    return {
      items: rows.map(row => toProposal(row, items.get(row.id) ?? [])),
      next_cursor: next,
      open: await store.count({ ...query, state: 'open' }),
    }
  }

  /** @throws Problem if it does not exist, or the principal may not see it. */
  async get(principal: Principal, id: string): Promise<ProposalDetail> {
    const { store, settings, kinds, activities } = this.#options
    const proposal = await this.getRow(principal, id)
    const isFrozen = await this.#isFrozen(proposal)
    const sight = { principal, proposal, settings: await settings.read(), kinds, isFrozen }
    return { ...(await toDetail(sight, await store.items([id]))), activity: await activities.of(proposal.principal_id) }
  }

  async getRow(principal: Principal, id: string): Promise<ProposalRow> {
    const row = await this.#options.store.find(id)
    if (row && maySeeProposal(principal, row)) return row
    throw noProposal()
  }

  /** Lists the items of a proposal that the principal may see. */
  async items(principal: Principal, id: string): Promise<ProposalItemRow[]> {
    await this.getRow(principal, id)
    return this.#options.store.items([id])
  }

  async apply(principal: Principal, id: string, chosen: readonly Chosen[]): Promise<ProposalDecision> {
    const proposal = await this.getRow(principal, id)
    refusePrograms(principal)
    await this.#refuseFrozen(proposal)
    return this.#decide(principal, proposal, chosen, async (item, row) => {
      const { kinds, settings, mayStill } = this.#options
      const scope = await kinds.scopeOf(item)
      const refuse = async (db?: Database) => {
        const applied = await settings.read(db)
        const decider = await this.#decider(principal, row, db)
        const refusal = settingsProblem(applied) ?? applyRefusal(decider, row, scope, applied)
        if (refusal) throw refusal
      }
      await refuse()
      await this.#checkNeeds(item)
      if (!(await mayStill(row, scope))) {
        await kinds.end(undefined, item, { state: 'void', why: lostRights })
        throw new Problem('not_possible_now', lostRights)
      }
      // Checked again: another process may have changed it just now.
      const check = async (transaction: Database) => {
        await this.#refuseFrozen(row, transaction)
        await refuse(transaction)
        if (!(await mayStill(row, scope, transaction))) throw new Problem('not_possible_now', lostRights)
      }
      const end = { state: 'applied', decided: this.#decided(principal, null) } as const
      if (!(await kinds.apply(principal, item, end, check))) throw decidedMeanwhile()
      if (item.kind === 'message') await this.followApproval(item)
    })
  }

  async decline(
    principal: Principal,
    id: string,
    chosen: readonly Chosen[],
    reason?: string,
  ): Promise<ProposalDecision> {
    const proposal = await this.getRow(principal, id)
    refusePrograms(principal)
    return this.#decide(principal, proposal, chosen, async (item, row) => {
      const { kinds } = this.#options
      const scope = await kinds.scopeOf(item)
      const check = async (db?: Database) => {
        const refusal = declineRefusal(await this.#decider(principal, row, db), row, scope)
        if (refusal) throw refusal
      }
      await check()
      const decided = this.#decided(principal, reason ?? null)
      if (!(await kinds.end(principal, item, { state: 'declined', decided, why: reason ?? null }, check))) {
        throw decidedMeanwhile()
      }
      if (item.kind === 'message') await this.followApproval(item)
      await this.#voidDependent(item)
    })
  }

  /** Withdraws items of the caller's own proposal. */
  async withdraw(principal: Principal, id: string, chosen: readonly Chosen[]): Promise<ProposalDecision> {
    const proposal = await this.getRow(principal, id)
    if (principal.id !== proposal.principal_id) {
      throw new Problem('forbidden', 'Only the caller that proposed it withdraws it; users decline it.')
    }
    return this.#decide(principal, proposal, chosen, async item => {
      if (!(await this.#options.kinds.end(principal, item, { state: 'withdrawn' }))) throw decidedMeanwhile()
      if (item.kind === 'message') await this.followApproval(item)
      await this.#voidDependent(item)
    })
  }

  /** Transfers the decision about a message, or its new hash after an edit, from its approval to its item. */
  async followApproval(item: Pick<ProposalItemRow, 'id' | 'kind'>): Promise<void> {
    const { store, book, kinds, hub } = this.#options
    await hub.transact(async (transaction, publish) => {
      const waiting = await store.findWaiting(item.id, transaction)
      const approval = waiting && (await kinds.approvalOf(item, transaction))
      if (!approval || approval.proposal_id === null) return
      const { hash } = approval
      const row = { ...waiting, hash, words: (await kinds.wordsOf(item.id, transaction)) ?? waiting.words }
      // The message was edited, and may have been decided since.
      if (hash !== waiting.hash) await book.renew(transaction, publish, waiting, row)
      const decision = (JSON.parse(approval.decisions) as (Decided & { decision: string })[]).at(-1)
      const { decision: _decision, ...decided } = decision ?? { decision: '' }
      const by = 'user_id' in decided ? decided : undefined
      if (approval.state === 'waiting') return
      if (approval.state === 'approved') await book.close(transaction, publish, row, { state: 'applied', decided: by })
      else if (approval.state === 'denied')
        await book.close(transaction, publish, row, { state: 'declined', decided: by, why: by?.reason ?? null })
      else if (approval.state === 'expired')
        await book.close(transaction, publish, row, { state: 'expired', why: 'Nobody approved it in time.' })
      else await book.close(transaction, publish, row, { state: 'withdrawn', why: 'The message was cancelled.' })
    })
  }

  /** Ends waiting items that have expired, or that their token may no longer do. */
  async review(proposal: ProposalRow): Promise<void> {
    const { store, kinds, mayStill } = this.#options
    const isOver = proposal.expires_at <= this.#at()
    const may = new Map<Scope, boolean>()
    const items = await store.items([proposal.id])
    const waiting = items.filter(({ state }) => state === 'waiting')
    const known = await kinds.look(waiting)
    for (const item of waiting) {
      const { scope, approval } = known.get(item.id)!
      if (approval && (approval.state !== 'waiting' || approval.hash !== item.hash)) await this.followApproval(item)
      if (!may.has(scope)) may.set(scope, await mayStill(proposal, scope))
      // Recovers from a crash between a decision and its consequences.
      const missing = items.find(({ id, state }) => needsOf(item).includes(id) && isOff(state))
      if (!may.get(scope)) await kinds.end(undefined, item, { state: 'void', why: lostRights })
      else if (missing) await kinds.end(undefined, item, { state: 'void', why: needsWords(missing) })
      // A message expires with its approval.
      else if (isOver && item.kind !== 'message') await kinds.end(undefined, item, { state: 'expired' })
    }
  }

  async #decide(
    principal: Principal,
    proposal: ProposalRow,
    chosen: readonly Chosen[],
    decide: Decide,
  ): Promise<ProposalDecision> {
    const { store } = this.#options
    const known = await store.items([proposal.id])
    const unknown = chosen.find(({ id }) => !known.some(item => item.id === id))
    if (unknown) {
      const message = `${unknown.id} is not an item of this proposal`
      throw new Problem('bad_request', `body.items: ${message}`, { errors: [{ path: 'body.items', message }] })
    }
    const problems = new Map<string, Problem>()
    // In item order: dependencies come first.
    for (const item of known) {
      const named = chosen.find(({ id }) => id === item.id)
      if (!named) continue
      try {
        if (item.state !== 'waiting') throw new Problem('not_possible_now', `It is ${item.state} already.`)
        if (item.hash !== named.hash) throw changed(item)
        await decide(item, proposal)
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        problems.set(item.id, error)
      }
    }
    const [first] = problems.values()
    const isForAll = problems.size === chosen.length && [...problems.values()].every(({ code }) => code === first?.code)
    if (first && isForAll && wholeCodes.includes(first.code)) throw first
    const after = await store.items([proposal.id])
    const results = chosen.map(({ id }): Result => {
      const problem = problems.get(id)
      const state = after.find(item => item.id === id)?.state ?? 'void'
      return { id, state, code: problem?.code ?? null, why: problem?.message ?? null }
    })
    return { proposal: await this.get(principal, proposal.id), results }
  }

  /** @throws Problem while an item that it depends on is not applied. */
  async #checkNeeds(item: ProposalItemRow): Promise<void> {
    const items = await this.#options.store.items([item.proposal_id])
    const missing: ProposalItemRow[] = []
    for (const id of needsOf(item)) {
      // The dependency may be an item of an earlier proposal.
      const need = items.find(each => each.id === id) ?? (await this.#options.store.findWaiting(id))
      if (need && need.state !== 'applied') missing.push(need)
    }
    if (missing.length === 0) return
    const words = missing.map(each => each.words).join('; ')
    throw new Problem('not_possible_now', `It depends on another item, which is not applied yet: ${words}.`)
  }

  async #voidDependent(needed: ProposalItemRow): Promise<void> {
    const { store, kinds } = this.#options
    for (const item of await store.items([needed.proposal_id])) {
      if (item.state !== 'waiting' || !needsOf(item).includes(needed.id)) continue
      await kinds.end(undefined, item, { state: 'void', why: needsWords(needed) })
    }
  }

  async #refuseFrozen(proposal: ProposalRow, db?: Database): Promise<void> {
    if (await this.#isFrozen(proposal, db))
      throw new Problem('frozen', 'A human stopped what this caller, or this account, does.')
  }

  /** Returns the principal with its rights of now, if the transaction that decides is given. */
  async #decider(principal: Principal, row: ProposalRow, transaction: Database | undefined): Promise<Principal> {
    if (!transaction) return principal
    const decider = await this.#options.findDecider(principal, transaction)
    if (!decider) throw hasEnded()
    if (!maySeeProposal(decider, row)) throw noProposal()
    return decider
  }

  #isFrozen({ principal_kind: kind, principal_id: id, account_id: accountId }: ProposalRow, db?: Database) {
    return this.#options.freezes.isFrozenNow({ kind, id }, accountId, db)
  }

  #decided({ userId, name }: Principal, reason: string | null): Decided {
    return { user_id: userId ?? '', name, at: this.#at(), reason }
  }

  #at(): string {
    return new Date(this.#now()).toISOString()
  }
}

/** Codes that are thrown as the answer if every named item failed with the same one. */
const wholeCodes: readonly string[] = ['session_needed', 'frozen', 'recent_sign_in_required', 'four_eyes_needed']

function isOff(state: ProposalItemRow['state']): boolean {
  return state !== 'waiting' && state !== 'applied'
}

function needsWords({ words }: Pick<ProposalItemRow, 'words'>): string {
  return `It depends on an item that was not applied: ${words}.`
}

function refusePrograms({ kind, userId }: Principal): void {
  if (kind === 'session' && userId !== null) return
  throw new Problem('session_needed', 'Only signed-in users decide about proposals; tokens and the API key never do.')
}

function changed({ kind }: ProposalItemRow): Problem {
  const detail = 'It was changed in the meantime and has another hash now; review it again.'
  return new Problem(kind === 'message' ? 'approval_void' : 'not_possible_now', detail)
}

function decidedMeanwhile(): Problem {
  return new Problem('not_possible_now', 'It was changed or decided at the same time; review it again.')
}
