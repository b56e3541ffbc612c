/** Judges what programs want to send by their token's policy and the server's own knowledge, never their claims. */
import { type PolicyFinding, policyBounds, type TokenPolicy } from '../../contract/policy.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { addressForm } from './address-form.ts'
import { type JudgedMessage, type PolicyJudge, peopleOf, type Verdict, verdictOf } from './policy-decision.ts'
import type { PolicyRates } from './policy-rates.ts'
import { RecipientRules } from './recipient-rules.ts'
import { isOpen, nextOpening } from './working-hours.ts'

export interface TokenJudgeOptions {
  rates: Pick<PolicyRates, 'findings'>
  /** Returns those of the addresses that the account has written to before; empty if unknown. */
  writtenTo(accountId: string, emails: readonly string[]): Promise<ReadonlySet<string>>
  /** Returns when the principal last read a stranger's mail, in epoch milliseconds. */
  lastStrangerRead(principalId: string, transaction?: Database): Promise<number | undefined>
  now(): number
}

type Sending = TokenPolicy['sending']

export class TokenJudge implements PolicyJudge {
  readonly #options: TokenJudgeOptions

  constructor(options: TokenJudgeOptions) {
    this.#options = options
  }

  async judge(principal: Principal, message: JudgedMessage, policy: TokenPolicy | undefined): Promise<Verdict> {
    if (!policy) return { verdict: 'send', findings: [] }
    const { rates } = this.#options
    const known = this.#lookUp(message)
    const verdict = verdictOf([
      ...this.denials(policy, message),
      ...(await rates.findings(principal.id, policy.sending, message.recipients.length)),
      ...(await this.#holds(principal.id, policy, message, this.#options.now(), known)),
    ])
    if (verdict.verdict !== 'send') return verdict
    const isForKnown = await known().then(
      found => outsidersOf(policy.sending, message, found).length === 0,
      () => false,
    )
    return { ...verdict, isForKnown }
  }

  async isTainted(
    principalId: string,
    { sending }: TokenPolicy,
    transaction: Database,
    { isForKnown }: Verdict,
  ): Promise<boolean> {
    const { tainted_minutes: minutes } = sending.approval
    const within = Math.max(minutes ?? 0, isForKnown ? 0 : policyBounds.outsidersMinutes)
    if (within === 0) return false
    const last = await this.#options.lastStrangerRead(principalId, transaction)
    return last !== undefined && this.#options.now() - last <= within * 60_000
  }

  /** Applies the rules that always hold, except rates; applied again before a held message is sent. */
  denials({ sending }: TokenPolicy, message: JudgedMessage): PolicyFinding[] {
    return [
      ...recipientFindings(sending, message),
      ...threadFindings(sending, message),
      ...attachmentFindings(sending, message),
      ...hoursFindings(sending, message.at ?? this.#options.now()),
    ]
  }

  /** Returns why a human has to approve it. @param at When it was submitted, in epoch milliseconds. */
  holds(principalId: string, policy: TokenPolicy, message: JudgedMessage, at: number): Promise<PolicyFinding[]> {
    return this.#holds(principalId, policy, message, at, this.#lookUp(message))
  }

  async #holds(
    principalId: string,
    { mode, sending }: TokenPolicy,
    message: JudgedMessage,
    at: number,
    known: Known,
  ): Promise<PolicyFinding[]> {
    const { always, strangers, tainted_minutes: minutes } = sending.approval
    const holds: PolicyFinding[] = []
    if (mode === 'propose')
      holds.push(held('approval_always', 'The token proposes: a human decides about each message.'))
    else if (always) holds.push(held('approval_always', 'Each message of this token has to be approved.'))
    if (strangers) {
      const written = await known()
      const unknown = peopleOf(message).filter(email => !written.has(email))
      if (unknown.length > 0) {
        const why = 'As far as is known, this account has never written to these recipients.'
        holds.push({ ...held('approval_strangers', why), recipients: unknown })
      }
    }
    if (minutes !== null) {
      const why = await this.#taint(principalId, message, at, minutes)
      if (why !== undefined) holds.push(held('approval_tainted', why))
    }
    // Whatever the policy says, a stranger's words are not sent to people whom no user has chosen.
    if (holds.length === 0) {
      const why = await this.#taint(principalId, message, at, policyBounds.outsidersMinutes)
      const outsiders = why === undefined ? [] : outsidersOf(sending, message, await known())
      if (outsiders.length > 0) {
        const who = 'These recipients are not contacts, and not in a thread with one.'
        holds.push({ ...held('approval_tainted', `${why} ${who}`), recipients: outsiders })
      }
    }
    return holds
  }

  /** @returns Why it may contain a stranger's words; undefined if none were read within `minutes`. */
  async #taint(
    principalId: string,
    { taintMs }: JudgedMessage,
    at: number,
    minutes: number,
  ): Promise<string | undefined> {
    const last = await this.#options.lastStrangerRead(principalId)
    // Only the last read is known: one after `at` may not have been the first.
    if (last !== undefined && at - last <= minutes * 60_000) {
      const ago = Math.max(0, Math.round((this.#options.now() - last) / 60_000))
      return `The token has read mail of a stranger ${ago} min ago.`
    }
    return taintMs !== null && taintMs <= minutes * 60_000 ? writtenTainted(taintMs) : undefined
  }

  /** Looks up known recipients once, when first needed. */
  #lookUp(message: JudgedMessage): Known {
    let found: ReturnType<Known> | undefined
    return () => (found ??= this.#options.writtenTo(message.accountId, peopleOf(message)))
  }
}

/** The recipients that the account has written to before. */
type Known = () => Promise<ReadonlySet<string>>

/** Returns recipients that are not contacts, not in a thread with one, and not named by the policy. */
function outsidersOf({ recipients: allowed }: Sending, message: JudgedMessage, known: ReadonlySet<string>): string[] {
  const rules = allowed === 'anyone' ? undefined : new RecipientRules(allowed)
  // A stranger's mail can list any address.
  const people = new Set(message.isThreadOfKnown ? [...(message.threadPeople ?? [])].map(addressForm) : [])
  const isInThread = (email: string) => {
    const form = addressForm(email)
    return form !== undefined && people.has(form)
  }
  return peopleOf(message).filter(email => !known.has(email) && !rules?.allows(email) && !isInThread(email))
}

function recipientFindings({ recipients: allowed }: Sending, message: JudgedMessage): PolicyFinding[] {
  if (allowed === 'anyone') return []
  const rules = new RecipientRules(allowed)
  const refused = peopleOf(message).filter(email => !rules.allows(email))
  return refused.length === 0 ? [] : [denied('recipients', 'The token may not send to these recipients.', refused)]
}

function threadFindings({ only_known_in_thread: only }: Sending, message: JudgedMessage) {
  const { threadPeople } = message
  if (!only) return []
  if (!threadPeople) return [denied('only_known_in_thread', 'The token may only reply, and this message answers none.')]
  const people = new Set([...threadPeople].map(addressForm))
  const others = peopleOf(message).filter(email => {
    const form = addressForm(email)
    return form === undefined || !people.has(form)
  })
  if (others.length === 0) return []
  return [denied('only_known_in_thread', 'These recipients are not in the thread.', others)]
}

function attachmentFindings(
  { max_attachment_bytes: most }: Sending,
  { attachmentBytes }: JudgedMessage,
): PolicyFinding[] {
  if (most === null || attachmentBytes <= most) return []
  return [denied('max_attachment_bytes', `Attachments may have at most ${most} bytes; these have ${attachmentBytes}.`)]
}

function hoursFindings({ hours }: Sending, at: number): PolicyFinding[] {
  if (!hours || isOpen(hours, at)) return []
  const next = nextOpening(hours, at)
  const when = next === undefined ? '' : ` It may again at ${new Date(next).toISOString()}; pass that as \`at\`.`
  return [denied('hours', `The token may not send outside its working hours.${when}`)]
}

function writtenTainted(taintMs: number): string {
  if (taintMs < 60_000)
    return 'The draft answers or quotes mail, or was written right after mail of a stranger was read.'
  return `The draft was written ${Math.round(taintMs / 60_000)} min after mail of a stranger was read.`
}

function held(rule: PolicyFinding['rule'], why: string): PolicyFinding {
  return { rule, effect: 'hold', why }
}

function denied(rule: PolicyFinding['rule'], why: string, recipients?: string[]): PolicyFinding {
  return { rule, effect: 'deny', why, ...(recipients && { recipients }) }
}
