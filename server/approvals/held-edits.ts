/** Edits a held message: it becomes another message with another hash, which voids approvals of the old one. */
import type { ApprovalDetail } from '../../contract/approvals.ts'
import type { DraftChange } from '../../contract/draft.ts'
import type { Address } from '../../contract/mail.ts'
import type { DraftComposer } from '../drafts/draft-composer.ts'
import type { DraftService } from '../drafts/draft-service.ts'
import { contentOf } from '../drafts/draft-view.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { OutboxService } from '../outbox/outbox-service.ts'
import { recipientsOf } from '../outbox/submission-tables.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { requestedFact } from './approval-facts.ts'
import { denyRefusal } from './approval-rights.ts'
import type { ApprovalService } from './approval-service.ts'
import type { ApprovalStore } from './approval-store.ts'
import { judgedOf, storeJudged } from './approval-tables.ts'
import type { ReleaseCheck } from './release-check.ts'

export interface HeldEditsOptions {
  approvals: Pick<ApprovalService, 'getRow' | 'checkApprover' | 'decider'>
  store: ApprovalStore
  releases: Pick<ReleaseCheck, 'obstaclesIn'>
  /** Returns those of the addresses that are not the owner's. */
  othersIn(principal: Principal, accountId: string, people: readonly Address[]): Promise<readonly string[]>
  drafts: Pick<DraftService, 'get' | 'planSubmitted' | 'keepSubmitted'>
  composer: Pick<DraftComposer, 'composePlanned' | 'keep'>
  outbox: Pick<OutboxService, 'replace' | 'find'>
  hub: Pick<EventHub, 'transact'>
  now(): number
}

export type HeldEdit = Omit<DraftChange, 'rev'>

export class HeldEdits {
  readonly #options: HeldEditsOptions

  constructor(options: HeldEditsOptions) {
    this.#options = options
  }

  /**
   * Changes the draft, its message and the approval together or not at all. @throws Problem if this message is no
   * longer waiting; nothing of the edit is kept then.
   */
  async edit(
    principal: Principal,
    id: string,
    hash: ApprovalDetail['hash'],
    change: HeldEdit,
    signal: AbortSignal,
  ): Promise<void> {
    const { approvals, store, drafts, composer, outbox, releases, hub } = this.#options
    const row = await approvals.getRow(principal, id)
    await approvals.checkApprover(principal, row)
    const submission = await outbox.find(row.submission_id)
    if (row.state !== 'waiting' || row.hash !== hash || submission?.state !== 'held') throw isVoid()
    if (recipientsOf(submission).some(({ state }) => state === 'accepted')) {
      throw new Problem('not_possible_now', 'Some recipients have it already, so it can no longer be edited.')
    }
    const obstacle = await releases.obstaclesIn()(row, submission)
    if (obstacle && !obstacle.isEditable) throw obstacle.problem
    const { account_id: accountId, draft_id: draftId } = submission
    const draft = await drafts.get(principal, accountId, draftId)
    const people = [change.to ?? draft.to, change.cc ?? draft.cc, change.bcc ?? draft.bcc]
    if (people.every(list => list.length === 0)) {
      throw new Problem('no_recipients', 'A message needs a recipient.')
    }
    // Plans from the revision that waits: another editor may have been faster.
    const planned = await drafts
      .planSubmitted(principal, accountId, draftId, { rev: submission.rev, ...change })
      .catch((error: unknown) => {
        throw error instanceof Problem && error.code === 'draft_changed' ? isVoid() : error
      })
    const composed = await composer.composePlanned(principal, planned, signal)
    const repliesTo = await this.#options.othersIn(principal, accountId, contentOf(planned).replyTo)
    const at = new Date(this.#options.now()).toISOString()
    await hub.transact(async (transaction, publish) => {
      // Composing may take seconds, in which the editor's rights may have ended.
      const refusal = denyRefusal(await approvals.decider(principal, row, transaction), row)
      if (refusal) throw refusal
      const isReplaced = await outbox.replace(transaction, publish, row.submission_id, hash, composed)
      if (!isReplaced) throw isVoid()
      const judged = storeJudged({
        ...judgedOf(row),
        recipients: composed.envelope.to,
        repliesTo,
        attachmentBytes: composed.attachmentBytes,
      })
      if (!(await store.change(transaction, row, { hash: composed.hash, judged, decisions: '[]' }))) throw isVoid()
      await drafts.keepSubmitted(transaction, publish, principal, planned)
      await composer.keep(transaction, composed)
      publish(requestedFact(row, composed.envelope.to.length, at))
    })
  }
}

function isVoid(): Problem {
  return new Problem(
    'approval_void',
    'This message is no longer waiting: it was edited, decided or cancelled in the meantime.',
  )
}
