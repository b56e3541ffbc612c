/**
 * Approvals: a human's yes or no to exactly one message, named by the hash of its bytes and envelope. Each decision is one transaction with what
 * becomes of the message; an edit, a cancellation or a decision that comes first makes it void.
 */
import type { Approval, ApprovalState } from '../../contract/approvals.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { FreezeService } from '../freezes/freeze-service.ts'
import type { OutboxService } from '../outbox/outbox-service.ts'
import type { Database } from '../platform/database/database.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { visibleAccounts } from '../platform/visible-figures.ts'
import type { PolicyService } from '../policies/policy-service.ts'
import type { TokenJudge } from '../policies/token-judge.ts'
import { decidedFact } from './approval-facts.ts'
import { approveRefusal, denyRefusal, maySeeApproval, noApproval } from './approval-rights.ts'
import type { ApprovalSettingsHolder } from './approval-settings.ts'
import type { ApprovalStore } from './approval-store.ts'
import { type ApprovalRow, decisionsOf, judgedOf } from './approval-tables.ts'
import { neededOf, toApproval } from './approval-view.ts'

export interface ApprovalServiceOptions {
  store: ApprovalStore
  settings: Pick<ApprovalSettingsHolder, 'current'>
  outbox: Pick<OutboxService, 'release' | 'end' | 'find' | 'view'>
  freezes: Pick<FreezeService, 'isFrozen'>
  policies: Pick<PolicyService, 'policyOf'>
  judge: Pick<TokenJudge, 'denials'>
  /** Whether who asks may still send: a token may be revoked or narrowed, a user disabled, while its message is held. */
  mayStillSend(asker: ApprovalRow, transaction: Database): Promise<boolean>
  hub: Pick<EventHub, 'transact' | 'listen'>
  /** When the session was opened, in epoch milliseconds. */
  signedInAt(principal: Principal): Promise<number | undefined>
  now(): number
  logger: Logger
}

export interface ApprovalListQuery {
  state?: ApprovalState | undefined
  account_id?: string | undefined
  limit: number
  cursor?: string | undefined
}

type Tell = Parameters<OutboxService['end']>[1]

const sweepEveryMs = 10_000
const sweptAtOnce = 100
const cursorForm = /^([wd])(a[0-9a-z]{16})?$/

export class ApprovalService {
  readonly #options: ApprovalServiceOptions
  readonly #stopped = new AbortController()
  #sweeping: Promise<void> | undefined
  #unsubscribe: (() => void) | undefined

  constructor(options: ApprovalServiceOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { hub, store, logger } = this.#options
    const failed = (err: unknown) => logger.error({ err }, 'approvals could not be followed')
    this.#unsubscribe = hub.listen('delivery_changed', ({ submission_id: submissionId, state }) => {
      if (state === 'cancelled')
        store
          .findOf(submissionId)
          .then(row => row && this.#close(row, 'void'))
          .catch(failed)
    })
    every(sweepEveryMs, this.#stopped.signal, () => void this.sweep().catch(failed), failed)
    await this.#closeGone()
    await this.sweep()
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.()
    this.#stopped.abort()
    await this.#sweeping?.catch(() => undefined)
  }

  /** Ends those whose time is up; one sweep at a time. */
  async sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined
    })
    await this.#sweeping
  }

  async list(principal: Principal, { state, account_id: accountId, limit, cursor }: ApprovalListQuery) {
    if (accountId !== undefined && !maySeeAccount(principal, accountId)) {
      throw new Problem('account_not_found', 'There is no such account.')
    }
    const [, part = 'w', last] = cursorForm.exec(cursor ?? 'w') ?? badCursor()
    const visible = visibleAccounts(principal)
    const query = {
      accounts: accountId !== undefined ? [accountId] : visible && [...visible],
      principalId: principal.kind === 'session' ? undefined : principal.id,
      state,
    }
    const { store } = this.#options
    const wantsWaiting = part === 'w' && (state === undefined || state === 'waiting')
    const waiting = wantsWaiting ? await store.listWaiting(query, last, limit + 1) : []
    const isMoreWaiting = waiting.length > limit
    const room = isMoreWaiting || state === 'waiting' ? 0 : limit - waiting.length
    const decided = room > 0 ? await store.listDecided(query, part === 'd' ? last : undefined, room + 1) : []
    const page = [...waiting.slice(0, limit), ...decided.slice(0, room)]
    const next = (() => {
      if (isMoreWaiting) return `w${page.at(-1)!.id}`
      if (decided.length > room) return `d${decided[room - 1]!.id}`
      return room === 0 && state !== 'waiting' ? 'd' : null
    })()
    const items = await Promise.all(page.map(row => this.#view(principal, row)))
    return {
      items: items.filter(item => item !== undefined),
      next_cursor: next,
      waiting: await store.countWaiting(query),
    }
  }

  /** @throws Problem also for those that the principal may not see. */
  async get(principal: Principal, id: string): Promise<Approval> {
    const shown = await this.#view(principal, await this.getRow(principal, id))
    if (!shown) throw noApproval()
    return shown
  }

  /** That a submission waits for, or waited; whether or not a principal may see it. */
  findOf(submissionId: string): Promise<ApprovalRow | undefined> {
    return this.#options.store.findOf(submissionId)
  }

  async getRow(principal: Principal, id: string): Promise<ApprovalRow> {
    const row = await this.#options.store.find(id)
    if (row && maySeeApproval(principal, row)) return row
    throw noApproval()
  }

  /** @throws Problem when it is not this message that waits, or the principal may not say yes to it. */
  async approve(principal: Principal, id: string, hash: string): Promise<Approval> {
    const { settings } = this.#options
    await this.checkApprover(principal, await this.getRow(principal, id))
    const outcome = await this.#options.hub.transact(async (transaction, tell) => {
      // As it is now: others decide at the same moment.
      const row = await this.#waiting(transaction, tell, id, hash)
      if (row instanceof Problem) return row
      const refusal = approveRefusal(principal, row, settings.current)
      if (refusal) throw refusal
      return (await this.#refusalNow(transaction, row)) ?? (await this.#approve(transaction, tell, principal, row))
    })
    if (outcome instanceof Problem) throw outcome
    return this.get(principal, id)
  }

  /** The caller who asked reads the reason. */
  async deny(principal: Principal, id: string, hash: string, reason: string | undefined): Promise<Approval> {
    const refusal = denyRefusal(principal, await this.getRow(principal, id))
    if (refusal) throw refusal
    const { outbox, store, hub } = this.#options
    const outcome = await hub.transact(async (transaction, tell) => {
      const row = await this.#waiting(transaction, tell, id, hash)
      if (row instanceof Problem) return row
      const why = reason ?? 'A human denied it, without a reason.'
      const error = { code: 'denied', why, server_response: null }
      if (!(await outbox.end(transaction, tell, row.submission_id, 'denied', error)))
        return this.#void(transaction, tell, row)
      const decisions = JSON.stringify([...decisionsOf(row), this.#decision(principal, 'deny', reason ?? null)])
      await store.change(transaction, row, { state: 'denied', decisions })
      tell(decidedFact(row, 'denied', principal.name, this.#at()))
      return undefined
    })
    if (outcome) throw outcome
    return this.get(principal, id)
  }

  /** @throws Problem unless the principal may approve it: by its rights, and by how long ago it signed in. */
  async checkApprover(principal: Principal, row: ApprovalRow): Promise<void> {
    const { settings, signedInAt, now } = this.#options
    const refusal = approveRefusal(principal, row, settings.current)
    if (refusal) throw refusal
    const minutes = settings.current.fresh_sign_in_minutes
    if (minutes === null) return
    const at = await signedInAt(principal)
    if (at !== undefined && now() - at <= minutes * 60_000) return
    throw new Problem(
      'recent_sign_in_required',
      `Approving requires a sign-in within the last ${minutes} minutes; sign in again.`,
    )
  }

  /** It waits with this hash, or else why not: what has become void or has expired is stored as that. */
  async #waiting(transaction: Database, tell: Tell, id: string, hash: string): Promise<ApprovalRow | Problem> {
    const row = await this.#options.store.find(id, transaction)
    if (!row) return noApproval()
    if (row.state === 'waiting' && row.expires_at <= this.#at()) {
      await this.#expire(transaction, tell, row)
      return new Problem('not_possible_now', 'It has expired: nobody approved it in time.')
    }
    if (row.state === 'void')
      return new Problem('approval_void', 'The message was edited or cancelled; nothing waits here.')
    if (row.state !== 'waiting') return new Problem('not_possible_now', `It is ${row.state} already.`)
    if (row.hash === hash) return row
    return new Problem('approval_void', 'The message was edited meanwhile: look at it again, it has another hash now.')
  }

  async #approve(
    transaction: Database,
    tell: Tell,
    principal: Principal,
    row: ApprovalRow,
  ): Promise<Problem | undefined> {
    const { outbox, store, settings } = this.#options
    const decisions = [...decisionsOf(row), this.#decision(principal, 'approve', null)]
    const values = { decisions: JSON.stringify(decisions) }
    const given = decisions.filter(({ decision }) => decision === 'approve').length
    if (given < neededOf(row, settings.current)) {
      await store.change(transaction, row, values)
      return undefined
    }
    if (!(await outbox.release(transaction, tell, row.submission_id, row.hash)))
      return this.#void(transaction, tell, row)
    await store.change(transaction, row, { ...values, state: 'approved' })
    tell(decidedFact(row, 'approved', principal.name, this.#at()))
    return undefined
  }

  /** What keeps it from leaving though a human says yes; it goes on waiting. */
  async #refusalNow(transaction: Database, row: ApprovalRow): Promise<Problem | undefined> {
    const { freezes, policies, judge, outbox, mayStillSend, now } = this.#options
    const asker = { kind: row.principal_kind, id: row.principal_id }
    if (freezes.isFrozen(asker, row.account_id)) {
      return new Problem(
        'frozen',
        'A human stopped what its sender, or its account, sends: it is held until that is lifted.',
      )
    }
    if (!(await mayStillSend(row, transaction))) {
      const detail = 'Its sender may not send any more: the token or user has ended, or has fewer rights now.'
      return new Problem('not_possible_now', detail)
    }
    const policy = policies.policyOf(asker)
    const submission = await outbox.find(row.submission_id, transaction)
    if (!policy || !submission) return undefined
    const at = submission.send_at === null ? undefined : Math.max(now(), Date.parse(submission.send_at))
    const [denial] = judge.denials(policy, { ...judgedOf(row), at })
    return denial && new Problem('not_possible_now', `The policy of the token does not allow this now. ${denial.why}`)
  }

  async #void(transaction: Database, tell: Tell, row: ApprovalRow): Promise<Problem> {
    const isVoid = await this.#options.store.change(transaction, row, { state: 'void' })
    if (isVoid) tell(decidedFact(row, 'void', null, this.#at()))
    return new Problem('approval_void', 'The message was cancelled or edited meanwhile; nothing waits here.')
  }

  async #expire(transaction: Database, tell: Tell, row: ApprovalRow): Promise<void> {
    const { outbox, store } = this.#options
    const error = { code: 'expired', why: 'Nobody approved it in time.', server_response: null }
    const isEnded = await outbox.end(transaction, tell, row.submission_id, 'expired', error)
    const state = isEnded ? 'expired' : 'void'
    if (await store.change(transaction, row, { state })) tell(decidedFact(row, state, null, this.#at()))
  }

  async #close(row: ApprovalRow, state: 'void' | 'expired'): Promise<void> {
    await this.#options.hub.transact(async (transaction, tell) => {
      const current = await this.#options.store.find(row.id, transaction)
      if (current?.state !== 'waiting') return
      if (state === 'void') await this.#void(transaction, tell, current)
      else if (current.expires_at <= this.#at()) await this.#expire(transaction, tell, current)
    })
  }

  async #sweep(): Promise<void> {
    for (;;) {
      const rows = await this.#options.store.listExpired(this.#at(), sweptAtOnce)
      for (const row of rows) {
        if (this.#stopped.signal.aborted) return
        await this.#close(row, 'expired')
      }
      if (rows.length < sweptAtOnce) return
    }
  }

  /** What was cancelled while nobody listened. */
  async #closeGone(): Promise<void> {
    const { store, outbox } = this.#options
    for (let after: string | undefined; ; ) {
      const rows = await store.listWaiting({ accounts: undefined }, after, sweptAtOnce)
      for (const row of rows) {
        if ((await outbox.find(row.submission_id))?.state !== 'held') await this.#close(row, 'void')
      }
      after = rows.at(-1)?.id
      if (rows.length < sweptAtOnce) return
    }
  }

  async #view(principal: Principal, row: ApprovalRow): Promise<Approval | undefined> {
    const submission = await this.#options.outbox.find(row.submission_id)
    if (!submission) return undefined
    return toApproval(row, this.#options.outbox.view(principal, submission), principal, this.#options.settings.current)
  }

  #decision(
    { userId, name }: Principal,
    decision: 'approve' | 'deny',
    reason: string | null,
  ): Approval['decisions'][number] {
    return { user_id: userId ?? '', name, decision, reason, at: this.#at() }
  }

  #at(): string {
    return new Date(this.#options.now()).toISOString()
  }
}

function badCursor(): never {
  const errors = [{ path: 'query.cursor', message: 'is not a cursor of this list' }]
  throw new Problem('bad_request', 'query.cursor: is not a cursor of this list', { errors })
}
