/** What items of each kind are made of, and what applying and ending one comes to: by the services of the features that store them. */
import type { ProposalItem } from '../../contract/proposal.ts'
import type { Scope } from '../../contract/scope.ts'
import type { ApprovalService } from '../approvals/approval-service.ts'
import type { ApprovalRow } from '../approvals/approval-tables.ts'
import type { ProposedDrafts } from '../drafts/proposed-drafts.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { ProposedOperations } from '../operations/proposed-operations.ts'
import type { OutboxService } from '../outbox/outbox-service.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ItemEnd, ProposalBook } from './proposal-book.ts'
import type { ProposalItemRow, ProposalRow } from './proposal-tables.ts'

export interface ItemKindsOptions {
  book: ProposalBook
  operations: ProposedOperations
  drafts: ProposedDrafts
  approvals: Pick<ApprovalService, 'approve' | 'deny' | 'findOf' | 'get'>
  outbox: Pick<OutboxService, 'find' | 'view' | 'cancel' | 'end'>
  hub: Pick<EventHub, 'transact'>
}

type Content = Pick<ProposalItem, 'operation' | 'draft' | 'submission' | 'approval_id'>
const nothing: Content = { operation: null, draft: null, submission: null, approval_id: null }
/** Of operations that were not applied. */
const codes = { declined: 'declined', expired: 'expired', withdrawn: 'withdrawn', void: 'void' } as const

export class ItemKinds {
  readonly #options: ItemKindsOptions

  constructor(options: ItemKindsOptions) {
    this.#options = options
  }

  /** That deciding about it needs. */
  async scopeOf({ kind, id }: ProposalItemRow): Promise<Scope> {
    if (kind === 'message') return 'mail:send'
    if (kind === 'draft') return 'mail:draft'
    return (await this.#options.operations.isDeletion(id)) ? 'mail:delete' : 'mail:organize'
  }

  /** What the principal may see of it. */
  async contentOf(principal: Principal, { account_id }: ProposalRow, item: ProposalItemRow): Promise<Content> {
    const { operations, drafts, outbox } = this.#options
    if (item.kind === 'operation') return { ...nothing, operation: (await operations.find(item.id)) ?? null }
    if (!principal.scopes.has('mail:draft')) return nothing
    if (item.kind === 'draft') {
      return { ...nothing, draft: (await drafts.find(principal, account_id, item.id)) ?? null }
    }
    const row = await outbox.find(item.id)
    const approval = await this.approvalOf(item)
    return { ...nothing, submission: row ? outbox.view(principal, row) : null, approval_id: approval?.id ?? null }
  }

  approvalOf({ id, kind }: Pick<ProposalItemRow, 'id' | 'kind'>): Promise<ApprovalRow | undefined> {
    return kind === 'message' ? this.#options.approvals.findOf(id) : Promise.resolve(undefined)
  }

  /** @param check Throws where it may not be, in the transaction. @returns Whether it waited, with this hash. */
  async apply(principal: Principal, item: ProposalItemRow, end: ItemEnd, check: () => void): Promise<boolean> {
    const { hub, book, operations, drafts, approvals } = this.#options
    if (item.kind === 'message') {
      const approval = await this.approvalOf(item)
      if (!approval) return false
      await approvals.approve(principal, approval.id, item.hash)
      return true
    }
    const apply = () =>
      hub.transact(async (transaction, tell) => {
        check()
        if (!(await book.close(transaction, tell, item, end))) return false
        const isDone =
          item.kind === 'operation'
            ? await operations.apply(transaction, tell, item.id)
            : await drafts.apply(transaction, tell, item.id, item.hash, principal.id)
        if (!isDone) throw new Problem('not_possible_now', 'It was changed since it was proposed: look at it again.')
        return true
      })
    return item.kind === 'operation' ? operations.applying(item.id, apply) : apply()
  }

  /** Nothing of it is done. @returns Whether it waited, with this hash. */
  async end(principal: Principal | undefined, item: ProposalItemRow, end: ItemEnd & { state: keyof typeof codes }) {
    const { hub, book, operations, drafts, approvals, outbox } = this.#options
    const approval = await this.approvalOf(item)
    if (approval && principal && end.state === 'declined') {
      await approvals.deny(principal, approval.id, item.hash, end.why ?? undefined)
      return true
    }
    if (item.kind === 'message' && principal && end.state === 'withdrawn') {
      await outbox.cancel(principal, item.id)
      return true
    }
    const why = end.why ?? words[end.state]
    return hub.transact(async (transaction, tell) => {
      if (!(await book.close(transaction, tell, item, end))) return false
      if (item.kind === 'operation') await operations.end(transaction, tell, item.id, codes[end.state], why)
      if (item.kind === 'draft') await drafts.end(transaction, tell, item.id, principal?.id ?? 'proposals')
      if (item.kind === 'message') {
        await outbox.end(transaction, tell, item.id, 'cancelled', { code: end.state, why, server_response: null })
      }
      return true
    })
  }
}

const words = {
  declined: 'A human declined it, without a reason.',
  expired: 'Nobody applied it in time.',
  withdrawn: 'It was withdrawn by the caller who proposed it.',
  void: 'It cannot be applied any more.',
}
