/**
 * The only way to send mail: a revision of a draft is composed, judged by its sender's policy, and stored in one
 * transaction as queued, or held for an approval of exactly this message. Claims of the sender count for nothing.
 */
import type { Address } from '../../contract/mail.ts'
import type { Submission } from '../../contract/submission.ts'
import type { ComposedMessage } from '../drafts/composed-message.ts'
import type { DraftComposer } from '../drafts/draft-composer.ts'
import type { DraftKeys } from '../drafts/draft-keys.ts'
import { draftSubmitted } from '../drafts/draft-rights.ts'
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
import { type ReadPolicy, unreadablePolicy } from '../policies/stored-policy.ts'
import { requestedFact } from './approval-facts.ts'
import type { ApprovalSettingsHolder } from './approval-settings.ts'
import type { ApprovalStore } from './approval-store.ts'
import { messageWords } from './message-words.ts'
import { newApproval } from './new-approval.ts'
import { storeRelease } from './policy-release.ts'

export interface SendServiceOptions {
  drafts: Pick<DraftService, 'get'>
  composer: Pick<DraftComposer, 'compose'>
  keys: DraftKeys
  outbox: Pick<OutboxService, 'submit' | 'get'>
  judge: PolicyJudge
  policies: Pick<PolicyService, 'read'>
  rates: Pick<PolicyRates, 'findings' | 'countSend'>
  freezes: Pick<FreezeService, 'isFrozenNow'>
  store: ApprovalStore
  settings: Pick<ApprovalSettingsHolder, 'read'>
  hub: Pick<EventHub, 'transact'>
  /** Left out where no token only proposes. */
  intake?: ProposalIntake
  accounts: { get(principal: Principal, accountId: string): Promise<{ enabled: boolean; smtp: unknown }> }
  /** Returns the addresses in the thread of a message; undefined if unknown. */
  peopleOf(
    principal: Principal,
    accountId: string,
    answers: NonNullable<ComposedMessage['answers']>,
  ): Promise<ReadonlySet<string> | undefined>
  /** Returns those of the addresses that are not the owner's. */
  othersIn(principal: Principal, accountId: string, people: readonly Address[]): Promise<readonly string[]>
  /** Whether the answered message is verifiably from someone the account has written to before. */
  isOfKnown?(
    principal: Principal,
    accountId: string,
    answers: NonNullable<ComposedMessage['answers']>,
  ): Promise<boolean>
  /** Returns the SMTP server's maximum size of a message in bytes; undefined if unknown. */
  sizeLimitOf?(accountId: string): number | undefined
  nextId(): string
  now(): number
}

export interface SendRequest {
  rev: number
  /** The earliest time to send, in ISO 8601. */
  at?: string | undefined
}

interface Prepared {
  composed: ComposedMessage
  judged: JudgedMessage
}

const year = 366 * 24 * 60 * 60_000
/** Attempts while the policy keeps changing concurrently. */
const mostLooks = 5

export class SendService {
  readonly #options: SendServiceOptions

  constructor(options: SendServiceOptions) {
    this.#options = options
  }

  /** @param key Idempotency key of the call. @throws Problem when the message is not accepted. */
  async send(
    principal: Principal,
    accountId: string,
    draftId: string,
    { rev, at }: SendRequest,
    signal: AbortSignal,
    key?: string,
  ): Promise<Submission> {
    const { keys, outbox, judge } = this.#options
    const call = keys.call(principal, key, ['send', accountId, draftId, rev, at ?? null])
    const before = await keys.repeated(call)
    if (before !== undefined) return outbox.get(principal, before)
    const sendAt = this.#timeOf(at)
    await this.#checkAccount(principal, accountId)
    const prepared = await this.#prepare(principal, accountId, draftId, rev, sendAt, signal)
    for (let look = 1; ; look++) {
      const read = await this.#options.policies.read(principal)
      if (read?.isUnreadable) throw new Problem('policy_denied', unreadablePolicy)
      const verdict = await judge.judge(principal, prepared.judged, read?.policy)
      if (verdict.verdict === 'deny') throw denied(verdict)
      const take = this.#options.hub.transact(async (transaction, publish) => {
        const repeated = await keys.repeated(call, transaction)
        if (repeated !== undefined) return repeated
        // Nothing has changed in any process: neither the policy, nor what the token has read, nor freezes.
        const now = await this.#options.policies.read(principal, transaction)
        if (now?.version !== read?.version) return undefined
        const isOpen = read !== undefined && verdict.verdict === 'send'
        if (isOpen && (await judge.isTainted(principal.id, read.policy, transaction, verdict))) return undefined
        await this.#refuseFrozen(principal, accountId, transaction)
        const { id } = await this.#take(principal, prepared, verdict, { sendAt, read }, { transaction, publish })
        await keys.keep(transaction, call, id)
        return id
      })
      const taken = await take.catch(async (error: unknown) => {
        const isTaken = error instanceof Problem && error.code === 'draft_changed'
        const { state } = isTaken ? await this.#options.drafts.get(principal, accountId, draftId) : { state: 'open' }
        throw state === 'open' ? error : draftSubmitted()
      })
      if (taken !== undefined) return outbox.get(principal, taken)
      if (look === mostLooks)
        throw new Problem('overloaded', 'The policy, or what the token has read, is being changed; try again.', {
          retryAfterSeconds: 1,
        })
    }
  }

  /** Returns what sending it now would do, without side effects. @param as The principal whose policy is asked. */
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
    const read = await this.#options.policies.read(as)
    if (read?.isUnreadable) {
      return { verdict: 'deny', findings: [{ rule: 'recipients', effect: 'deny', why: unreadablePolicy }] }
    }
    return this.#options.judge.judge(as, prepared.judged, read?.policy)
  }

  async #prepare(
    principal: Principal,
    accountId: string,
    draftId: string,
    rev: number,
    sendAt: number | undefined,
    signal: AbortSignal,
  ): Promise<Prepared> {
    const { composer, peopleOf, isOfKnown, othersIn } = this.#options
    const {
      taint_ms: taintMs,
      replyTo,
      ...composed
    } = await composer.compose(principal, accountId, draftId, rev, signal)
    if (composed.envelope.to.length === 0) throw new Problem('no_recipients', 'The draft has no recipients.')
    const mostBytes = this.#options.sizeLimitOf?.(accountId)
    if (mostBytes !== undefined && composed.sizeBytes > mostBytes) {
      const detail = `The message has ${composed.sizeBytes} bytes; the outgoing mail server takes ${mostBytes} at most. Send fewer or smaller attachments.`
      throw new Problem('too_large', detail, { part: 'smtp' })
    }
    const { answers } = composed
    const threadPeople = answers ? await peopleOf(principal, accountId, answers).catch(() => undefined) : undefined
    const isThreadOfKnown =
      threadPeople !== undefined &&
      answers !== undefined &&
      ((await isOfKnown?.(principal, accountId, answers).catch(() => false)) ?? false)
    const judged = {
      accountId,
      recipients: composed.envelope.to,
      repliesTo: await othersIn(principal, accountId, replyTo),
      attachmentBytes: composed.attachmentBytes,
      threadPeople,
      isThreadOfKnown,
      taintMs,
      at: sendAt,
    }
    return { composed, judged }
  }

  async #take(
    principal: Principal,
    { composed, judged }: Prepared,
    { verdict, findings }: Verdict,
    { sendAt, read }: { sendAt: number | undefined; read: ReadPolicy | undefined },
    { transaction, publish }: { transaction: Database; publish: Parameters<OutboxService['submit']>[1] },
  ): Promise<{ id: string }> {
    const { outbox, rates, store, nextId, now, intake = noProposals } = this.#options
    const recipients = composed.envelope.to.length
    if (read) {
      // Counting and storing share one transaction.
      const tooMany = await rates.findings(principal.id, read.policy.sending, recipients, transaction)
      if (tooMany.length > 0) throw denied({ verdict: 'deny', findings: tooMany })
      await rates.countSend(transaction, principal.id, recipients)
    }
    const settings = await this.#options.settings.read(transaction)
    const undoMs = read ? 0 : settings.undo_seconds * 1_000
    const due = Math.max(sendAt ?? 0, now() + undoMs)
    const isLater = due > now()
    const id = verdict === 'hold' ? nextId() : null
    const submission = await outbox.submit(transaction, publish, {
      ...{ principal, composed, approvalId: id },
      state: verdict === 'hold' ? 'held' : isLater ? 'scheduled' : 'queued',
      sendAt: isLater ? new Date(due).toISOString() : null,
      policyRelease: read && id === null ? storeRelease(read.policy, judged) : null,
    })
    if (id === null) return submission
    const { answers } = composed
    const isProposed = await intake.isProposing(principal, transaction)
    const item = toProposedMessage(submission.id, composed)
    const proposalId = isProposed ? await intake.put(transaction, publish, principal, composed.accountId, [item]) : null
    // The message replaces its draft's item: a human decides only once.
    if (isProposed) await intake.drop(transaction, composed.draftId)
    const approval = newApproval({ id, submission, answers, judged, findings, settings, proposalId, now: now() })
    await store.insert(transaction, approval)
    publish(requestedFact(approval, recipients, approval.created_at))
    return submission
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
    await this.#refuseFrozen(principal, accountId)
  }

  async #refuseFrozen(principal: Principal, accountId: string, db?: Database): Promise<void> {
    if (!(await this.#options.freezes.isFrozenNow(principal, accountId, db))) return
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

function toProposedMessage(id: string, { hash, subject, envelope }: ComposedMessage): ProposedItem {
  const words = messageWords(subject, envelope.to)
  return { id, kind: 'message', hash, words, needsFirst: [], messages: 0, deletions: 0 }
}
