/**
 * The only way by which mail leaves: a revision of a draft is composed, judged by the policy of its sender, and stored in one transaction as what
 * is sent, or held for an approval of exactly this message. Nothing in it is taken from the words of the sender.
 */
import { createHash } from 'node:crypto'
import type { Submission } from '../../contract/submission.ts'
import type { ComposedMessage } from '../drafts/composed-message.ts'
import type { DraftComposer } from '../drafts/draft-composer.ts'
import type { DraftKeys } from '../drafts/draft-keys.ts'
import type { DraftService } from '../drafts/draft-service.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { FreezeService } from '../freezes/freeze-service.ts'
import type { OutboxService } from '../outbox/outbox-service.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { noProposals, type ProposalIntake, type ProposedItem } from '../platform/proposal-intake.ts'
import type { JudgedMessage, PolicyJudge, Verdict } from '../policies/policy-decision.ts'
import type { PolicyRates } from '../policies/policy-rates.ts'
import type { PolicyService } from '../policies/policy-service.ts'
import { requestedFact } from './approval-facts.ts'
import type { ApprovalSettingsHolder } from './approval-settings.ts'
import type { ApprovalStore } from './approval-store.ts'
import { type ApprovalRow, storeJudged } from './approval-tables.ts'

export interface SendServiceOptions {
  drafts: Pick<DraftService, 'get'>
  composer: Pick<DraftComposer, 'compose'>
  keys: DraftKeys
  outbox: Pick<OutboxService, 'submit' | 'get'>
  judge: PolicyJudge
  policies: Pick<PolicyService, 'policyOf'>
  rates: Pick<PolicyRates, 'findings' | 'countSend'>
  freezes: Pick<FreezeService, 'isFrozen'>
  store: ApprovalStore
  settings: Pick<ApprovalSettingsHolder, 'current'>
  hub: Pick<EventHub, 'transact'>
  /** Left out where nothing is only proposed. */
  intake?: ProposalIntake
  accounts: { get(principal: Principal, accountId: string): Promise<{ enabled: boolean; smtp: unknown }> }
  /** Addresses of the thread of a message; undefined where they are not known. */
  peopleOf(
    principal: Principal,
    accountId: string,
    answers: NonNullable<ComposedMessage['answers']>,
  ): Promise<ReadonlySet<string> | undefined>
  nextId(): string
  now(): number
}

export interface SendRequest {
  rev: number
  /** ISO 8601; not before. */
  at?: string | undefined
}

interface Prepared {
  composed: ComposedMessage
  judged: JudgedMessage
}

const year = 366 * 24 * 60 * 60_000
const hour = 60 * 60_000
/** Looks at a policy that is changed meanwhile. */
const mostLooks = 5

export class SendService {
  readonly #options: SendServiceOptions

  constructor(options: SendServiceOptions) {
    this.#options = options
  }

  /** @param key Under which the caller may repeat it. @throws Problem when nothing is taken in. */
  async send(
    principal: Principal,
    accountId: string,
    draftId: string,
    { rev, at }: SendRequest,
    signal: AbortSignal,
    key?: string,
  ): Promise<Submission> {
    const { keys, outbox } = this.#options
    const call = keys.call(principal, key, ['send', accountId, draftId, rev, at ?? null])
    const before = await keys.repeated(call)
    if (before !== undefined) return outbox.get(principal, before)
    const sendAt = this.#timeOf(at)
    await this.#checkAccount(principal, accountId)
    const prepared = await this.#prepare(principal, accountId, draftId, rev, sendAt, signal)
    for (let look = 1; ; look++) {
      const policy = this.#options.policies.policyOf(principal)
      const verdict = await this.#options.judge.judge(principal, prepared.judged)
      if (verdict.verdict === 'deny') throw denied(verdict)
      const taken = await this.#options.hub.transact(async (transaction, tell) => {
        const repeated = await keys.repeated(call, transaction)
        if (repeated !== undefined) return repeated
        // By the policy that applies now, and nothing is stopped by now.
        if (this.#options.policies.policyOf(principal) !== policy) return undefined
        this.#refuseFrozen(principal, accountId)
        const { id } = await this.#take(principal, prepared, verdict, sendAt, { transaction, tell })
        await keys.keep(transaction, call, id)
        return id
      })
      if (taken !== undefined) return outbox.get(principal, taken)
      if (look === mostLooks)
        throw new Problem('overloaded', 'The policy is being changed; try again.', { retryAfterSeconds: 1 })
    }
  }

  /** What sending it now would do. It changes nothing. @param as Whose policy is asked, where it is not that of the caller. */
  async check(
    principal: Principal,
    accountId: string,
    draftId: string,
    rev: number | undefined,
    signal: AbortSignal,
    as: Principal = principal,
  ): Promise<Verdict> {
    const draft = await this.#options.drafts.get(principal, accountId, draftId)
    const prepared = await this.#prepare(principal, accountId, draftId, rev ?? draft.rev, undefined, signal)
    return this.#options.judge.judge(as, prepared.judged)
  }

  async #prepare(
    principal: Principal,
    accountId: string,
    draftId: string,
    rev: number,
    sendAt: number | undefined,
    signal: AbortSignal,
  ): Promise<Prepared> {
    const { composer, peopleOf } = this.#options
    const composed = await composer.compose(principal, accountId, draftId, rev, signal)
    if (composed.envelope.to.length === 0) throw new Problem('no_recipients', 'The draft has no recipients.')
    const { answers } = composed
    const threadPeople = answers ? await peopleOf(principal, accountId, answers).catch(() => undefined) : undefined
    const judged = {
      accountId,
      recipients: composed.envelope.to,
      attachmentBytes: composed.attachmentBytes,
      threadPeople,
      at: sendAt,
    }
    return { composed, judged }
  }

  async #take(
    principal: Principal,
    { composed, judged }: Prepared,
    { verdict, findings }: Verdict,
    sendAt: number | undefined,
    { transaction, tell }: { transaction: Database; tell: Parameters<OutboxService['submit']>[1] },
  ): Promise<{ id: string }> {
    const { outbox, rates, policies, settings, store, nextId, now, intake = noProposals } = this.#options
    const policy = policies.policyOf(principal)
    const recipients = composed.envelope.to.length
    if (policy) {
      // Here nobody comes between what is counted and what is stored.
      const tooMany = await rates.findings(principal.id, policy.sending, recipients, transaction)
      if (tooMany.length > 0) throw denied({ verdict: 'deny', findings: tooMany })
      await rates.countSend(transaction, principal.id, recipients)
    }
    const undoMs = policy ? 0 : settings.current.undo_seconds * 1_000
    const due = Math.max(sendAt ?? 0, now() + undoMs)
    const isLater = due > now()
    const approvalId = verdict === 'hold' ? nextId() : null
    const row = await outbox.submit(transaction, tell, {
      ...{ principal, composed, approvalId },
      state: verdict === 'hold' ? 'held' : isLater ? 'scheduled' : 'queued',
      sendAt: isLater ? iso(due) : null,
    })
    if (approvalId === null) return row
    const at = iso(now())
    const isProposed = intake.isProposing(principal)
    const item = toProposedMessage(row.id, composed)
    const proposalId = isProposed ? await intake.put(transaction, tell, principal, composed.accountId, [item]) : null
    // It is one thing to decide about, not two.
    if (isProposed) await intake.drop(transaction, composed.draftId)
    const approval: ApprovalRow = {
      id: approvalId,
      submission_id: row.id,
      account_id: composed.accountId,
      ...{ principal_kind: principal.kind, principal_id: principal.id, principal_name: principal.name },
      user_id: principal.userId,
      hash: composed.hash,
      state: 'waiting',
      judged: storeJudged(judged),
      findings: JSON.stringify(findings),
      message: composed.answers ? JSON.stringify({ id: null, ref: composed.answers.ref }) : null,
      group_key: groupOf(principal, composed),
      proposal_id: proposalId,
      needed: settings.current.approvers,
      decisions: '[]',
      created_at: at,
      expires_at: iso(now() + settings.current.expires_hours * hour),
    }
    await store.insert(transaction, approval)
    tell(requestedFact(approval, recipients, at))
    return row
  }

  #timeOf(at: string | undefined): number | undefined {
    if (at === undefined) return undefined
    const time = Date.parse(at)
    if (time <= this.#options.now() + year) return time
    const message = 'is more than a year ahead'
    throw new Problem('bad_request', `body.at: ${message}`, { errors: [{ path: 'body.at', message }] })
  }

  async #checkAccount(principal: Principal, accountId: string): Promise<void> {
    const { enabled, smtp } = await this.#options.accounts.get(principal, accountId)
    if (!enabled) throw new Problem('account_disabled', 'The account is disabled; an administrator can enable it.')
    if (!smtp) throw new Problem('account_cannot_send', 'The account has no SMTP server; an administrator can add one.')
    this.#refuseFrozen(principal, accountId)
  }

  #refuseFrozen(principal: Principal, accountId: string): void {
    if (!this.#options.freezes.isFrozen(principal, accountId)) return
    throw new Problem('frozen', 'A human stopped what this caller, or this account, sends.')
  }
}

function denied({ findings }: Verdict): Problem {
  const words = findings
    .filter(({ effect }) => effect === 'deny')
    .map(({ why, recipients = [] }) => {
      const named = recipients.slice(0, 5).join(', ')
      return named === '' ? why : `${why.replace(/\.$/, '')}: ${named}.`
    })
  return new Problem('policy_denied', `The policy of the token does not allow this. ${words.join(' ')}`)
}

/** Answers in one thread belong together, and messages to the same people. */
function groupOf({ id }: Principal, { accountId, answers, envelope }: ComposedMessage): string {
  const what = answers?.threadId ?? answers?.messageId ?? [...envelope.to].sort()
  return createHash('sha256')
    .update(JSON.stringify([id, accountId, what]))
    .digest('hex')
    .slice(0, 16)
}

function toProposedMessage(id: string, { hash, subject, envelope }: ComposedMessage): ProposedItem {
  const named = envelope.to.slice(0, 3).join(', ')
  const more = envelope.to.length > 3 ? ` and ${envelope.to.length - 3} more` : ''
  const words = `Send “${subject.slice(0, 200)}” to ${named}${more}`
  return { id, kind: 'message', hash, words, needsFirst: [], messages: 0, deletions: 0 }
}

function iso(time: number): string {
  return new Date(time).toISOString()
}
