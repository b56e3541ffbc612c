/** What applying and ending an item of each kind means, through the services of the features that store them. */
import type { Operation } from '../../contract/operations.ts'
import type { ProposalItem } from '../../contract/proposal.ts'
import type { Scope } from '../../contract/scope.ts'
import type { ApprovalService } from '../approvals/approval-service.ts'
import type { ApprovalRow } from '../approvals/approval-tables.ts'
import { messageWords } from '../approvals/message-words.ts'
import type { ProposedDrafts } from '../drafts/proposed-drafts.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { ProposedOperations } from '../operations/proposed-operations.ts'
import type { OutboxService } from '../outbox/outbox-service.ts'
import { recipientsOf } from '../outbox/submission-tables.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ItemEnd, ProposalBook } from './proposal-book.ts'
import type { ProposalItemRow, ProposalRow } from './proposal-tables.ts'

export interface ItemKindsOptions {
  book: ProposalBook
  operations: ProposedOperations
  drafts: ProposedDrafts
  approvals: Pick<ApprovalService, 'approve' | 'deny' | 'findOf' | 'findAllOf'>
  outbox: Pick<OutboxService, 'find' | 'findAll' | 'view' | 'cancel' | 'end'>
  hub: Pick<EventHub, 'transact'>
}

/** What an item refers to. */
export interface Known {
  /** The scope that deciding it requires. */
  scope: Scope
  operation: Operation | undefined
  approval: ApprovalRow | undefined
}

export type Content = Pick<ProposalItem, 'operation' | 'draft' | 'submission' | 'approval_id'>
const nothing: Content = { operation: null, draft: null, submission: null, approval_id: null }
const scopes = { operation: 'mail:organize', draft: 'mail:draft', message: 'mail:send' } as const
/** Error codes of operations that were not applied. */
const codes = { declined: 'declined', expired: 'expired', withdrawn: 'withdrawn', void: 'void' } as const

export class ItemKinds {
  readonly #options: ItemKindsOptions

  constructor(options: ItemKindsOptions) {
    this.#options = options
  }

  /** Loads what the items refer to in one go. @returns By item id. */
  async look(items: readonly ProposalItemRow[]): Promise<Map<string, Known>> {
    const { operations, approvals } = this.#options
    const found = await operations.findAll(idsOf(items, 'operation'))
    const known = new Map<string, Known>(
      found.map(({ operation, isDeletion }) => {
        const scope = isDeletion ? 'mail:delete' : 'mail:organize'
        return [operation.id, { scope, operation, approval: undefined }]
      }),
    )
    const approvalsOf = await approvalsById(approvals, idsOf(items, 'message'))
    for (const { id, kind } of items) {
      if (known.has(id)) continue
      known.set(id, { scope: scopes[kind], operation: undefined, approval: approvalsOf.get(id) })
    }
    return known
  }

  /** Returns the scope that deciding the item requires. */
  async scopeOf(item: ProposalItemRow): Promise<Scope> {
    return (await this.look([item])).get(item.id)!.scope
  }

  /** Loads what the principal may see of the items in one go. @returns By item id. */
  async contents(
    principal: Principal,
    { account_id: accountId }: ProposalRow,
    items: readonly ProposalItemRow[],
    known: ReadonlyMap<string, Known>,
  ): Promise<Map<string, Content>> {
    const { drafts, outbox } = this.#options
    const all = new Map<string, Content>(
      items.map(({ id }) => [id, { ...nothing, operation: known.get(id)?.operation ?? null }]),
    )
    if (!principal.scopes.has('mail:draft')) return all
    for (const draft of await drafts.findAll(principal, accountId, idsOf(items, 'draft'))) {
      all.set(draft.id, { ...nothing, draft })
    }
    const messageIds = idsOf(items, 'message')
    const submissions = new Map((await outbox.findAll(messageIds)).map(row => [row.id, outbox.view(principal, row)]))
    for (const id of messageIds) {
      const approvalId = known.get(id)?.approval?.id ?? null
      all.set(id, { ...nothing, submission: submissions.get(id) ?? null, approval_id: approvalId })
    }
    return all
  }

  /** Finds the approval of a message in the transaction; undefined for other kinds. */
  async approvalOf(
    { id, kind }: Pick<ProposalItemRow, 'id' | 'kind'>,
    db?: Database,
  ): Promise<ApprovalRow | undefined> {
    return kind === 'message' ? this.#options.approvals.findOf(id, db) : undefined
  }

  /** Describes the current state of a message. */
  async wordsOf(submissionId: string, db: Database): Promise<string | undefined> {
    const row = await this.#options.outbox.find(submissionId, db)
    return (
      row &&
      messageWords(
        row.subject,
        recipientsOf(row).map(({ email }) => email),
      )
    )
  }

  /**
   * @param check Throws, in the transaction, if it may not be applied. @returns Whether the item was waiting, with this
   * hash.
   */
  async apply(
    principal: Principal,
    item: ProposalItemRow,
    end: ItemEnd,
    check: (transaction: Database) => Promise<void>,
  ): Promise<boolean> {
    const { hub, book, operations, drafts, approvals } = this.#options
    if (item.kind === 'message') {
      const approval = await this.approvalOf(item)
      if (!approval) return false
      await approvals.approve(principal, approval.id, item.hash)
      return true
    }
    const apply = () =>
      hub.transact(async (transaction, publish) => {
        await check(transaction)
        if (!(await book.close(transaction, publish, item, end))) return false
        const isDone =
          item.kind === 'operation'
            ? await operations.apply(transaction, publish, item.id)
            : await drafts.apply(transaction, publish, item.id, item.hash, principal.id)
        if (!isDone) throw new Problem('not_possible_now', 'It was changed since it was proposed; review it again.')
        return true
      })
    return item.kind === 'operation' ? operations.applying(item.id, apply) : apply()
  }

  /**
   * Ends an item without applying it. @param check Throws, in the transaction, if it may not be ended. @returns Whether
   * it was waiting, with this hash.
   */
  async end(
    principal: Principal | undefined,
    item: ProposalItemRow,
    end: ItemEnd & { state: keyof typeof codes },
    check: (transaction: Database) => Promise<void> = async () => undefined,
  ) {
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
    return hub.transact(async (transaction, publish) => {
      await check(transaction)
      if (!(await book.close(transaction, publish, item, end))) return false
      if (item.kind === 'operation') await operations.end(transaction, publish, item.id, codes[end.state], why)
      if (item.kind === 'draft') await drafts.end(transaction, publish, item.id, principal?.id ?? 'proposals')
      if (item.kind === 'message') {
        await outbox.end(transaction, publish, item.id, 'cancelled', { code: end.state, why, server_response: null })
      }
      return true
    })
  }
}

function idsOf(items: readonly ProposalItemRow[], wanted: ProposalItemRow['kind']): string[] {
  return items.filter(({ kind }) => kind === wanted).map(({ id }) => id)
}

async function approvalsById(approvals: ItemKindsOptions['approvals'], submissionIds: readonly string[]) {
  if (submissionIds.length === 0) return new Map<string, ApprovalRow>()
  return new Map((await approvals.findAllOf(submissionIds)).map(row => [row.submission_id, row]))
}

const words = {
  declined: 'A human declined it, without a reason.',
  expired: 'Nobody applied it in time.',
  withdrawn: 'It was withdrawn by the caller who proposed it.',
  void: 'It can no longer be applied.',
}
