/** What a human decides about a submission that has ended: to retry it, or what the outcome of an `unknown` one was. */
import type { Submission } from '../../contract/submission.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { DraftMarks, Publish } from './draft-marks.ts'
import type { OutboxService } from './outbox-service.ts'
import { deliveryFact } from './submission-facts.ts'
import type { DueRow, SubmissionStore } from './submission-store.ts'
import { recipientsOf, type SubmissionRow } from './submission-tables.ts'
import { retriable } from './submission-view.ts'

export interface SubmissionDecisionsOptions {
  store: SubmissionStore
  outbox: Pick<OutboxService, 'getRow' | 'view'>
  drafts: DraftMarks
  hub: Pick<EventHub, 'transact'>
  isHeld(submission: DueRow): boolean
  now?: () => number
}

export class SubmissionDecisions {
  readonly #options: SubmissionDecisionsOptions
  readonly #now: () => number

  constructor(options: SubmissionDecisionsOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** Retries the recipients that did not get it, as far as is known. */
  retry(principal: Principal, submissionId: string): Promise<Submission> {
    return this.#decide(principal, submissionId, async (row, transaction, publish) => {
      if (this.#options.isHeld(row))
        throw new Problem('frozen', 'A human stopped what its sender, or its account, sends.')
      if (!retriable.includes(row.state)) throw notNow(row)
      if (row.blob_id === '') throw new Problem('not_possible_now', 'Its content is no longer kept.')
      const recipients = recipientsOf(row)
      for (const recipient of recipients) if (recipient.state !== 'accepted') recipient.state = 'waiting'
      // A draft that was changed or sent by another submission in the meantime must not be sent twice.
      if (row.state === 'failed' && !(await this.#mark(transaction, publish, row, 'submitted', row.rev))) {
        throw new Problem('not_possible_now', 'Its draft was changed, sent or discarded since; send the draft instead.')
      }
      const at = this.#at()
      const again = { error: null, ready_at: at, due_at: at, ended_at: null }
      return { ...again, state: 'queued', recipients: JSON.stringify(recipients) }
    })
  }

  /** Records the outcome that a human found out. */
  resolve(principal: Principal, submissionId: string, outcome: 'sent' | 'failed'): Promise<Submission> {
    return this.#decide(principal, submissionId, async (row, transaction, publish) => {
      if (row.state !== 'unknown') throw notNow(row)
      const at = this.#at()
      const recipients = recipientsOf(row)
      for (const recipient of recipients) {
        if (recipient.state !== 'unknown') continue
        Object.assign(recipient, { state: outcome === 'sent' ? 'accepted' : 'refused', at })
      }
      const accepted = recipients.filter(({ state }) => state === 'accepted' || state === 'bounced').length
      const state = accepted === recipients.length ? 'sent' : accepted > 0 ? 'partial' : 'failed'
      await this.#mark(transaction, publish, row, state === 'failed' ? 'open' : 'sent')
      const copies = accepted > 0 && row.copy_state === 'none'
      return {
        state,
        recipients: JSON.stringify(recipients),
        ended_at: at,
        ...(copies && { copy_state: 'waiting' as const, copy_due_at: at }),
      }
    })
  }

  async #decide(
    principal: Principal,
    submissionId: string,
    decide: (row: SubmissionRow, transaction: Database, publish: Publish) => Promise<Partial<SubmissionRow>>,
  ): Promise<Submission> {
    const { store, outbox, hub } = this.#options
    if (principal.kind !== 'session') {
      throw new Problem('session_needed', 'Only signed-in users decide about this; tokens and the API key never do.')
    }
    await outbox.getRow(principal, submissionId)
    const decided = await hub.transact(async (transaction, publish) => {
      const row = await store.find(submissionId, transaction)
      if (!row) throw new Problem('submission_not_found', 'There is no such message in the outbox.')
      const values = await decide(row, transaction, publish)
      const changed = await store.change(transaction, row.id, { states: [row.state], hash: row.hash }, values)
      if (!changed) throw notNow(row)
      publish(deliveryFact(changed))
      return changed
    })
    return outbox.view(principal, decided)
  }

  #mark(
    transaction: Database,
    publish: Publish,
    row: SubmissionRow,
    state: 'submitted' | 'open' | 'sent',
    rev?: number,
  ) {
    return this.#options.drafts.mark(transaction, publish, row.draft_id, state, row.id, rev)
  }

  #at(): string {
    return new Date(this.#now()).toISOString()
  }
}

function notNow({ state }: SubmissionRow): Problem {
  return new Problem('not_possible_now', `The message is ${state}.`)
}
