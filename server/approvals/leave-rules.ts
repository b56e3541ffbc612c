/**
 * Rules on messages right before they leave, possibly long after they were let out: by freezes, sender, account and
 * policy as the database has them then. An approved message is held to the rules that always apply; the rules that ask
 * for an approval concern only messages let out without one, when those rules have changed since.
 */
import type { PolicyFinding } from '../../contract/policy.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { Leaving, Rule, Ruling } from '../outbox/leaving.ts'
import type { OutboxService } from '../outbox/outbox-service.ts'
import { answeredBy, type SubmissionRow } from '../outbox/submission-tables.ts'
import type { Database } from '../platform/database/database.ts'
import type { JudgedMessage } from '../policies/policy-decision.ts'
import type { ReadPolicy } from '../policies/stored-policy.ts'
import type { TokenJudge } from '../policies/token-judge.ts'
import { nextOpening } from '../policies/working-hours.ts'
import { requestedFact } from './approval-facts.ts'
import type { ApprovalSettingsHolder } from './approval-settings.ts'
import type { ApprovalStore } from './approval-store.ts'
import { judgedOf } from './approval-tables.ts'
import { newApproval } from './new-approval.ts'
import { isReleasedBy, releasedMessage, storeRelease } from './policy-release.ts'
import { SenderState, type SenderStateOptions } from './sender-state.ts'

export interface LeaveRulesOptions extends SenderStateOptions {
  store: ApprovalStore
  settings: Pick<ApprovalSettingsHolder, 'read'>
  outbox: Pick<OutboxService, 'hold' | 'recordRelease'>
  judge: Pick<TokenJudge, 'denials' | 'holds'>
  hub: Pick<EventHub, 'transact'>
  nextId(): string
  now(): number
}

const stopped: Ruling = { verdict: 'stopped' }
/** Holds the message when the index cannot be asked, so that it blocks no others. */
const notKnown: PolicyFinding = {
  rule: 'approval_strangers',
  effect: 'hold',
  why: 'Whether the account knows its recipients could not be looked up.',
}

/** The state shared by the rulings of one transaction. */
interface Around {
  state: SenderState
  /** Whether the approval settings are readable. */
  isFit(): Promise<boolean>
  db: Database | undefined
}

export class LeaveRules implements Leaving {
  readonly #options: LeaveRulesOptions

  constructor(options: LeaveRulesOptions) {
    this.#options = options
  }

  rulesIn(db?: Database): Rule {
    const state = new SenderState(this.#options, db)
    let settings: Promise<{ is_unreadable: boolean }> | undefined
    const isFit = async () => {
      settings ??= this.#options.settings.read(db)
      return !(await settings).is_unreadable
    }
    return row => this.#rule(row, { state, isFit, db })
  }

  async judgeAgain(row: SubmissionRow): Promise<void> {
    const { hub, policies, judge, outbox, now } = this.#options
    const asker = { kind: row.principal_kind, id: row.principal_id }
    const read = await policies.read(asker)
    if (!read) return
    const judged = releasedMessage(row)
    const handedIn = Date.parse(row.created_at)
    const findings = await judge.holds(row.principal_id, read.policy, judged, handedIn).catch(() => [notKnown])
    await hub.transact(async (transaction, publish) => {
      // The policy changed again in the meantime: the message is judged again at the next claim.
      if ((await policies.read(asker, transaction))?.version !== read.version) return
      if (findings.length === 0) return outbox.recordRelease(transaction, row, storeRelease(read.policy, judged))
      const id = this.#options.nextId()
      if (!(await outbox.hold(transaction, publish, row, id))) return
      const settings = await this.#options.settings.read(transaction)
      const answers = answeredBy(row)
      const held = { id, submission: row, answers, judged, findings, settings, proposalId: null, now: now() }
      const approval = newApproval(held)
      await this.#options.store.insert(transaction, approval)
      publish(requestedFact(approval, judged.recipients.length, approval.created_at))
    })
  }

  async #rule(row: SubmissionRow, around: Around): Promise<Ruling> {
    const { state } = around
    if (await state.isFrozen(row)) return stopped
    const refusal = await state.refusal(row)
    if (refusal) return { verdict: 'refused', ...refusal }
    const policy = await state.policy(row)
    const ruling = policy && (await this.#byPolicy(row, policy, around))
    if (ruling) return ruling
    return { verdict: 'leave', account: (await state.account(row.account_id))?.version ?? '' }
  }

  /** @returns What prevents it from leaving; undefined if nothing does. */
  async #byPolicy(row: SubmissionRow, read: ReadPolicy, { isFit, db }: Around): Promise<Ruling | undefined> {
    const { store, judge, now } = this.#options
    // Nothing is lost: it waits until a user sets them again.
    if (read.isUnreadable || !(await isFit())) return stopped
    const approval = row.approval_id === null ? undefined : await store.find(row.approval_id, db)
    const isApproved = approval?.state === 'approved' && approval.hash === row.hash
    if (row.approval_id !== null && !isApproved) {
      return {
        verdict: 'refused',
        code: 'not_approved',
        why: 'It needs an approval, and this message was never approved.',
      }
    }
    const { recipients } = releasedMessage(row)
    const judged: JudgedMessage = approval ? { ...judgedOf(approval), recipients } : releasedMessage(row)
    const denials = judge.denials(read.policy, { ...judged, at: now() })
    const opening = denials.find(({ rule }) => rule === 'hours')
    const denial = denials.find(finding => finding !== opening)
    if (denial) return refused(denial.why)
    if (opening) {
      const { hours } = read.policy.sending
      const at = hours ? nextOpening(hours, now()) : undefined
      return at === undefined
        ? refused(opening.why)
        : { verdict: 'later', at, why: 'It waits for the working hours of its token.' }
    }
    return isApproved || isReleasedBy(row, read.policy) ? undefined : { verdict: 'ask' }
  }
}

function refused(why: string): Ruling {
  return {
    verdict: 'refused',
    code: 'policy_denied',
    why: `The policy of the token no longer allows this. ${why}`,
  }
}
