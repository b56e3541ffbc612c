/**
 * Approvals: a human's decision about exactly one message, named by the hash of its bytes and envelope. Each decision
 * is one transaction with its effect on the message; an earlier edit, cancellation or decision voids it.
 */

import type { Approval, ApprovalSettingsAnswer, ApprovalState } from '../../contract/approvals.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { OutboxService } from '../outbox/outbox-service.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ApprovalEnds, Publish } from './approval-ends.ts'
import { decidedFact } from './approval-facts.ts'
import { approveRefusal, denyRefusal, maySeeApproval, noApproval } from './approval-rights.ts'
import type { ApprovalSettingsHolder } from './approval-settings.ts'
import type { ApprovalStore } from './approval-store.ts'
import { type ApprovalRow, decisionsOf, type GivenDecision, type StoredDecision } from './approval-tables.ts'
import { neededOf, toApproval } from './approval-view.ts'
import { type FindDecider, hasEnded } from './current-caller.ts'
import { type FindApprover, givenDecisions } from './given-approvals.ts'
import { type PasskeyConfirmation, type PasskeyProof, passkeyRefusal } from './passkey-confirmation.ts'
import type { FindObstacle, ReleaseCheck } from './release-check.ts'
import { pageOfUndecidedFirst, type RowsQuery } from './undecided-first.ts'

export interface ApprovalServiceOptions {
  store: ApprovalStore
  settings: Pick<ApprovalSettingsHolder, 'read'>
  outbox: Pick<OutboxService, 'release' | 'end' | 'find' | 'view'>
  releases: Pick<ReleaseCheck, 'obstaclesIn'>
  ends: Pick<ApprovalEnds, 'void' | 'expire'>
  findApprover: FindApprover
  findDecider: FindDecider
  passkeys: Pick<PasskeyConfirmation, 'has' | 'check'>
  hub: Pick<EventHub, 'transact'>
  /** Returns when the session was opened, in epoch milliseconds. */
  signedInAt(principal: Principal): Promise<number | undefined>
  now(): number
}

export type ApprovalListQuery = RowsQuery<ApprovalState>

export class ApprovalService {
  readonly #options: ApprovalServiceOptions

  constructor(options: ApprovalServiceOptions) {
    this.#options = options
  }

  async list(principal: Principal, asked: ApprovalListQuery) {
    const { store } = this.#options
    const { query, rows, next } = await pageOfUndecidedFirst<ApprovalState, ApprovalRow>(
      {
        mark: 'w',
        id: /^a[0-9a-z]{16}$/,
        undecided: 'waiting',
        listUndecided: (...given) => store.listWaiting(...given),
        listDecided: (...given) => store.listDecided(...given),
      },
      principal,
      asked,
    )
    return {
      items: await this.#views(principal, rows),
      next_cursor: next,
      waiting: await store.countWaiting(query),
    }
  }

  /** @throws Problem if it does not exist, or the principal may not see it. */
  async get(principal: Principal, id: string): Promise<Approval> {
    const [shown] = await this.#views(principal, [await this.getRow(principal, id)])
    if (!shown) throw noApproval()
    return shown
  }

  /** Finds the approval of a submission without checking rights. */
  findOf(submissionId: string, db?: Database): Promise<ApprovalRow | undefined> {
    return this.#options.store.findOf(submissionId, db)
  }

  findAllOf(submissionIds: readonly string[]): Promise<ApprovalRow[]> {
    return this.#options.store.findAllOf(submissionIds)
  }

  async getRow(principal: Principal, id: string): Promise<ApprovalRow> {
    const row = await this.#options.store.find(id)
    if (row && maySeeApproval(principal, row)) return row
    throw noApproval()
  }

  /** @throws Problem if this message is not waiting, or the principal may not approve it. */
  async approve(principal: Principal, id: string, hash: string, proof?: PasskeyProof): Promise<Approval> {
    const { settings, findApprover, passkeys, releases, outbox } = this.#options
    const asked = await this.getRow(principal, id)
    await this.checkApprover(principal, asked)
    const isConfirmed = await passkeys.check(principal, asked, hash, proof)
    const outcome = await this.#options.hub.transact(async (transaction, publish) => {
      // Read again, since others may decide concurrently.
      const row = await this.#waiting(transaction, publish, id, hash)
      if (row instanceof Problem) return row
      const decider = await this.decider(principal, row, transaction)
      const applied = await settings.read(transaction)
      const given = await givenDecisions(row, applied, findApprover, transaction)
      const refusal = approveRefusal(decider, row, applied, given) ?? passkeyRefusal(applied, isConfirmed)
      if (refusal) throw refusal
      const submission = await outbox.find(row.submission_id, transaction)
      const obstacle = submission && (await releases.obstaclesIn(transaction)(row, submission))
      // The approval keeps waiting.
      if (obstacle) return obstacle.problem
      const decisions = [
        ...given.filter(({ user_id: userId }) => userId !== principal.userId),
        { ...this.#decision(principal, 'approve', null), counts: true, ...(isConfirmed && { withPasskey: true }) },
      ]
      return this.#approve(transaction, publish, principal, { row, decisions, needed: neededOf(row, applied) })
    })
    if (outcome instanceof Problem) throw outcome
    return this.get(principal, id)
  }

  /** Denies a message; the reason is shown to the caller that asked. */
  async deny(principal: Principal, id: string, hash: string, reason: string | undefined): Promise<Approval> {
    const refusal = denyRefusal(principal, await this.getRow(principal, id))
    if (refusal) throw refusal
    const { outbox, store, hub, ends } = this.#options
    const outcome = await hub.transact(async (transaction, publish) => {
      const row = await this.#waiting(transaction, publish, id, hash)
      if (row instanceof Problem) return row
      const refusal = denyRefusal(await this.decider(principal, row, transaction), row)
      if (refusal) throw refusal
      const why = reason ?? 'A human denied it, without a reason.'
      const error = { code: 'denied', why, server_response: null }
      if (!(await outbox.end(transaction, publish, row.submission_id, 'denied', error)))
        return ends.void(transaction, publish, row)
      const decisions = JSON.stringify([...decisionsOf(row), this.#decision(principal, 'deny', reason ?? null)])
      await store.change(transaction, row, { state: 'denied', decisions })
      publish(decidedFact(row, 'denied', principal.name, this.#at()))
      return undefined
    })
    if (outcome) throw outcome
    return this.get(principal, id)
  }

  /** @throws Problem unless the principal may approve it, by its rights and by how recently it signed in. */
  async checkApprover(principal: Principal, row: ApprovalRow): Promise<void> {
    const { settings, signedInAt, findApprover, now } = this.#options
    const applied = await settings.read()
    const given = await givenDecisions(row, applied, findApprover)
    const refusal = approveRefusal(principal, row, applied, given)
    if (refusal) throw refusal
    const minutes = applied.fresh_sign_in_minutes
    if (minutes === null) return
    const at = await signedInAt(principal)
    if (at !== undefined && now() - at <= minutes * 60_000) return
    throw new Problem(
      'recent_sign_in_required',
      `Approving requires a sign-in within the last ${minutes} minutes; sign in again.`,
    )
  }

  /**
   * Returns the principal with its rights of now, since others may have ended or narrowed it after its request was
   * admitted. @param db The transaction that decides. @throws Problem if it no longer sees the approval.
   */
  async decider(principal: Principal, row: ApprovalRow, db: Database): Promise<Principal> {
    const decider = await this.#options.findDecider(principal, db)
    if (!decider) throw hasEnded()
    if (!maySeeApproval(decider, row)) throw noApproval()
    return decider
  }

  /** Returns the waiting row with this hash, or why there is none; an expired row is stored as such. */
  async #waiting(transaction: Database, publish: Publish, id: string, hash: string): Promise<ApprovalRow | Problem> {
    const row = await this.#options.store.find(id, transaction)
    if (!row) return noApproval()
    if (row.state === 'waiting' && row.expires_at <= this.#at()) {
      await this.#options.ends.expire(transaction, publish, row)
      return new Problem('not_possible_now', 'It has expired: nobody approved it in time.')
    }
    if (row.state === 'void')
      return new Problem('approval_void', 'The message was edited or cancelled; there is nothing to decide.')
    if (row.state !== 'waiting') return new Problem('not_possible_now', `It is ${row.state} already.`)
    if (row.hash === hash) return row
    return new Problem('approval_void', 'The message was edited and has another hash now; review it again.')
  }

  async #approve(
    transaction: Database,
    publish: Publish,
    principal: Principal,
    { row, decisions, needed }: { row: ApprovalRow; decisions: GivenDecision[]; needed: number },
  ): Promise<Problem | undefined> {
    const { outbox, store, ends } = this.#options
    const count = decisions.filter(({ decision, counts }) => decision === 'approve' && counts).length
    if (count < needed) {
      // Whether earlier approvals count is determined each time.
      const stored = decisions.map(({ counts: _counts, ...decision }) => decision)
      await store.change(transaction, row, { decisions: JSON.stringify(stored) })
      return undefined
    }
    if (!(await outbox.release(transaction, publish, row.submission_id, row.hash)))
      return ends.void(transaction, publish, row)
    await store.change(transaction, row, { decisions: JSON.stringify(decisions), state: 'approved' })
    publish(decidedFact(row, 'approved', principal.name, this.#at()))
    return undefined
  }

  async #views(principal: Principal, rows: readonly ApprovalRow[]): Promise<Approval[]> {
    const obstacleOf = this.#options.releases.obstaclesIn()
    const settings = await this.#options.settings.read()
    const hasPasskey = settings.passkey && (await this.#options.passkeys.has(principal))
    const around = { settings, hasPasskey }
    const views = await Promise.all(rows.map(row => this.#view(principal, row, around, obstacleOf)))
    return views.filter(view => view !== undefined)
  }

  async #view(
    principal: Principal,
    row: ApprovalRow,
    { settings, hasPasskey }: { settings: ApprovalSettingsAnswer; hasPasskey: boolean },
    obstacleOf: FindObstacle,
  ): Promise<Approval | undefined> {
    const { outbox, findApprover } = this.#options
    const submission = await outbox.find(row.submission_id)
    if (!submission) return undefined
    return toApproval(row, principal, {
      submission: outbox.view(principal, submission),
      decisions: await givenDecisions(row, settings, findApprover),
      settings,
      hasPasskey,
      obstacle: row.state === 'waiting' ? await obstacleOf(row, submission) : undefined,
    })
  }

  #decision({ userId, name }: Principal, decision: 'approve' | 'deny', reason: string | null): StoredDecision {
    return { user_id: userId ?? '', name, decision, reason, at: this.#at() }
  }

  #at(): string {
    return new Date(this.#options.now()).toISOString()
  }
}
