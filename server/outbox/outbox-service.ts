/**
 * Accepts messages to be sent and changes waiting ones, in its caller's transaction and only from the state meant for
 * it. It judges nothing: callers of `submit` and `release` have consulted the policies. `OutboxQueue` delivers.
 */

import { endStates, type Submission, type SubmissionState } from '../../contract/submission.ts'
import type { ComposedMessage } from '../drafts/composed-message.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import { badCursor, listedAccounts } from '../platform/list-query.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { Tracer } from '../platform/tracing/tracer.ts'
import { type DraftMarks, ownerOf, type Publish, type SubmittedBlobs } from './draft-marks.ts'
import { messageColumns, newSubmission, readiness, type Submitted } from './new-submission.ts'
import { deliveryFact } from './submission-facts.ts'
import type { SubmissionIds } from './submission-id.ts'
import { maySee, sightOf } from './submission-rights.ts'
import { type DueRow, dueStates, type SubmissionStore, type WaitingSender } from './submission-store.ts'
import { recipientsOf, type StoredError, type SubmissionRow } from './submission-tables.ts'
import { cancellable, toSubmission } from './submission-view.ts'

export interface OutboxServiceOptions {
  store: SubmissionStore
  ids: SubmissionIds
  hub: Pick<EventHub, 'transact'>
  drafts: DraftMarks
  blobs: Pick<SubmittedBlobs, 'use' | 'release'>
  /** Whether a freeze by a human stops its sender or its account. */
  isHeld(submission: DueRow): boolean
  now?: () => number
  /** Remembers the trace in which a message was submitted. */
  tracer?: Pick<Tracer, 'remember'> | undefined
  /** Waiting messages per account; past it `submit` throws. */
  mostWaiting?: number
}

export interface SubmissionListQuery {
  account_id?: string | undefined
  state?: SubmissionState | undefined
  is_open?: 'true' | 'false' | undefined
  limit: number
  cursor?: string | undefined
}

const defaultMostWaiting = 10_000
const openStates = ['held', 'scheduled', 'queued', 'sending', 'unknown'] as const satisfies readonly SubmissionState[]
const closedStates = endStates.filter(state => state !== 'unknown')

export class OutboxService {
  readonly #options: OutboxServiceOptions
  readonly #now: () => number

  constructor(options: OutboxServiceOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
  }

  /** @throws Problem when too many messages of the account wait, or the draft is no longer open or was changed. */
  async submit(transaction: Database, publish: Publish, submitted: Submitted): Promise<SubmissionRow> {
    const { store, ids, drafts, blobs, mostWaiting = defaultMostWaiting } = this.#options
    const { composed } = submitted
    if ((await store.countWaiting(composed.accountId, transaction)) >= mostWaiting) {
      const detail = `${mostWaiting} messages of this account are already waiting to be sent.`
      throw new Problem('too_many_submissions', detail, { retryAfterSeconds: 60 })
    }
    const row = newSubmission(submitted, ids.next(), this.#at())
    await store.insert(transaction, row)
    this.#options.tracer?.remember(row.id)
    await blobs.use(transaction, row.blob_id, ownerOf(row.id))
    if (!(await drafts.mark(transaction, publish, row.draft_id, 'submitted', row.id, row.rev))) {
      throw new Problem('draft_changed', 'The draft was changed or submitted at the same time.')
    }
    publish(deliveryFact(row))
    return row
  }

  /** Holds a waiting message for an approval. @returns Whether it was waiting, with this hash. */
  async hold(
    transaction: Database,
    publish: Publish,
    { id, hash }: Pick<SubmissionRow, 'id' | 'hash'>,
    approvalId: string,
  ): Promise<boolean> {
    const values = { state: 'held' as const, approval_id: approvalId, let_out: null, due_at: null, error: null }
    const held = await this.#options.store.change(transaction, id, { states: dueStates, hash }, values)
    if (held) publish(deliveryFact(held))
    return held !== undefined
  }

  /** Records the new policies under which a waiting message may leave. */
  async recordRelease(
    transaction: Database,
    { id, hash }: Pick<SubmissionRow, 'id' | 'hash'>,
    recordRelease: string,
  ): Promise<void> {
    await this.#options.store.change(transaction, id, { states: dueStates, hash }, { let_out: recordRelease })
  }

  /** Releases a held message, for now or its requested time. @returns Whether it was held, with this hash. */
  async release(transaction: Database, publish: Publish, submissionId: string, hash: string): Promise<boolean> {
    const { store } = this.#options
    const row = await store.find(submissionId, transaction)
    if (!row) return false
    const at = this.#at()
    const state = row.send_at !== null && row.send_at > at ? 'scheduled' : 'queued'
    const values = { state, ...readiness(state, row.send_at, at) } as const
    const released = await store.change(transaction, submissionId, { states: ['held'], hash }, values)
    if (released) publish(deliveryFact(released))
    this.#options.tracer?.remember(submissionId)
    return released !== undefined
  }

  /** Replaces a held message, voiding any approval of it. @returns Whether it was held, with this hash. */
  async replace(
    transaction: Database,
    publish: Publish,
    submissionId: string,
    hash: string,
    composed: ComposedMessage,
  ): Promise<boolean> {
    const { store, blobs } = this.#options
    const columns = messageColumns(composed)
    const replaced = await store.change(transaction, submissionId, { states: ['held'], hash }, columns)
    if (!replaced) return false
    await blobs.release(transaction, ownerOf(submissionId))
    await blobs.use(transaction, composed.blobId, ownerOf(submissionId))
    publish(deliveryFact(replaced))
    return true
  }

  /** Ends a submission and opens its draft again. @returns False if it is being sent or has ended. */
  async end(
    transaction: Database,
    publish: Publish,
    submissionId: string,
    state: 'denied' | 'expired' | 'cancelled',
    error: StoredError | null = null,
  ): Promise<boolean> {
    const { store, drafts } = this.#options
    const row = await store.find(submissionId, transaction)
    if (!row) return false
    // Some recipients may have it already; then only the others are given up.
    const recipients = recipientsOf(row)
    const isBegun = recipients.some(recipient => recipient.state === 'accepted')
    const at = this.#at()
    for (const recipient of recipients) {
      if (isBegun && recipient.state === 'waiting') Object.assign(recipient, { state: 'refused', response: null, at })
    }
    const values = {
      state: isBegun ? ('partial' as const) : state,
      recipients: JSON.stringify(recipients),
      error: error && JSON.stringify(error),
      due_at: null,
      ended_at: at,
    }
    const ended = await store.change(transaction, submissionId, { states: cancellable, hash: row.hash }, values)
    if (!ended) return false
    await drafts.mark(transaction, publish, ended.draft_id, isBegun ? 'sent' : 'open', ended.id)
    publish(deliveryFact(ended))
    return true
  }

  /** @throws Problem if it does not exist, or the principal may not see it. */
  async get(principal: Principal, submissionId: string): Promise<Submission> {
    return this.view(principal, await this.getRow(principal, submissionId))
  }

  async getRow(principal: Principal, submissionId: string): Promise<SubmissionRow> {
    const row = await this.find(submissionId)
    if (row && maySee(principal, row)) return row
    throw new Problem('submission_not_found', 'There is no such message in the outbox.')
  }

  /** Finds a submission without checking rights. */
  find(submissionId: string, db?: Database): Promise<SubmissionRow | undefined> {
    return this.#options.store.find(submissionId, db)
  }

  /** Finds several submissions without checking rights. */
  findAll(submissionIds: readonly string[]): Promise<SubmissionRow[]> {
    return this.#options.store.findAll(submissionIds)
  }

  /** Lists the senders of messages that are due or scheduled, without those held for an approval. */
  listWaitingSenders(): Promise<WaitingSender[]> {
    return this.#options.store.listWaitingSenders()
  }

  listWaitingOf(sender: WaitingSender, limit: number): Promise<string[]> {
    return this.#options.store.listWaitingOf(sender, limit)
  }

  /** Counts the submissions of one sender by their current state. */
  countSince(principalId: string, since: string): Promise<Partial<Record<SubmissionState, number>>> {
    return this.#options.store.countSince(principalId, since)
  }

  view(principal: Principal, row: SubmissionRow): Submission {
    return toSubmission(row, principal, this.#options.isHeld(row))
  }

  async list(
    principal: Principal,
    { account_id: accountId, state, is_open: isOpen, limit, cursor }: SubmissionListQuery,
  ): Promise<{ items: Submission[]; next_cursor: string | null }> {
    if (cursor !== undefined && !/^s[0-9a-z]{16}$/.test(cursor)) throw badCursor()
    const rows = await this.#options.store.list({
      ...sightOf(principal),
      accounts: listedAccounts(principal, accountId),
      states: statesOf(state, isOpen),
      before: cursor,
      limit: limit + 1,
    })
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    return {
      items: page.map(row => this.view(principal, row)),
      next_cursor: last && rows.length > page.length ? last.id : null,
    }
  }

  /** @throws Problem once sending has begun. */
  async cancel(principal: Principal, submissionId: string): Promise<Submission> {
    await this.getRow(principal, submissionId)
    const isDone = await this.#options.hub.transact((transaction, publish) =>
      this.end(transaction, publish, submissionId, 'cancelled'),
    )
    const row = await this.getRow(principal, submissionId)
    // A repeated call finds it cancelled already.
    if (!isDone && row.state !== 'cancelled') throw tooLate(row)
    return this.view(principal, row)
  }

  #at(): string {
    return new Date(this.#now()).toISOString()
  }
}

function statesOf(state: SubmissionState | undefined, isOpen: 'true' | 'false' | undefined) {
  const wanted = isOpen === undefined ? undefined : isOpen === 'true' ? openStates : closedStates
  if (state === undefined) return wanted
  return wanted === undefined || wanted.some(each => each === state) ? [state] : []
}

function tooLate({ state }: SubmissionRow): Problem {
  const why = state === 'sending' ? 'It is being sent at this moment.' : `It has ended as ${state}.`
  return new Problem('not_possible_now', `${why} Only a waiting message can be cancelled.`)
}
