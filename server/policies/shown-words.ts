/** Notes when programs are shown text of strangers. A message counts as its sender's only if the sender is verified. */
import { policyBounds, type TokenPolicy } from '../../contract/policy.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { Shown } from '../platform/shown.ts'
import { wordsShown } from './foreign-words.ts'
import type { StrangerReads, Written } from './stranger-reads.ts'

export interface ShownWordsOptions {
  reads: Pick<StrangerReads, 'note' | 'noteWritten'>
  policyOf(principal: Principal): TokenPolicy | undefined
  /** Returns those drafts that still exist. */
  draftsOf(ids: readonly string[]): Promise<(Written & { id: string })[]>
}

const longestMinutes = 1_440

export class ShownWords {
  readonly #options: ShownWordsOptions

  constructor(options: ShownWordsOptions) {
    this.#options = options
  }

  /**
   * Records what a program is shown. The response waits for it if the program's policy depends on whether it has read a
   * stranger's mail.
   */
  readonly record: Shown = (principal, { name }, accountId, answer) => {
    const noting = this.#note(principal, name, accountId, answer)
    if (!noting) return undefined
    const policy = principal.scopes.has('mail:send') ? this.#options.policyOf(principal) : undefined
    if (policy && asksForTaint(policy)) return noting.catch(refuse)
    noting.catch(() => undefined)
    return undefined
  }

  #note(principal: Principal, name: string, accountId: string | undefined, answer: unknown): Promise<void> | undefined {
    const { kind, id } = principal
    if (kind === 'session' || kind === 'anonymous') return undefined
    const { reads } = this.#options
    switch (wordsShown.get(name)) {
      case 'none':
      case 'reported':
        return undefined
      case 'messages':
        return reads.note(id, accountId, answer === undefined ? undefined : shownSenders(answer))
      case 'begun':
        if (!repeatsMail(answer)) return undefined
        return reads.note(id, accountId, undefined)
      case 'written':
        return this.#recordWritten(principal, accountId, answer)
      default:
        if (answer !== undefined && showsNothing(answer)) return undefined
        return reads.note(id, accountId, undefined)
    }
  }

  #recordWritten(principal: Principal, accountId: string | undefined, answer: unknown): Promise<void> | undefined {
    const { reads, policyOf, draftsOf } = this.#options
    const ids = shownDrafts(answer)
    if (ids === undefined) return reads.note(principal.id, accountId, undefined)
    if (ids.length === 0) return undefined
    const asked = policyOf(principal)?.sending.approval.tainted_minutes ?? longestMinutes
    const minutes = Math.max(asked, policyBounds.outsidersMinutes)
    return reads.noteWritten(principal.id, minutes * 60_000, async () => {
      const found = await draftsOf(ids)
      const isWhole = found.length === ids.length
      // Nothing is known of a draft that no longer exists.
      return isWhole ? found : [...found, { by: '', taintMs: 0 }]
    })
  }
}

/** Where every message needs an approval anyway, what was read does not matter. */
function asksForTaint({ mode, sending: { approval } }: TokenPolicy): boolean {
  return approval.tainted_minutes !== null || (mode === 'act' && !approval.always)
}

function refuse(cause: unknown): never {
  const detail =
    'The policy of the token requires a record that this shows mail of strangers, which cannot be stored right now.'
  throw new Problem('overloaded', detail, { retryAfterSeconds: 5, cause })
}

/** Whether a new draft contains more than what the call itself gave. */
function repeatsMail(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null) return true
  const isNew = 'mode' in answer && answer.mode === 'new'
  return !isNew || !('attachments' in answer) || !Array.isArray(answer.attachments) || answer.attachments.length > 0
}

/** The JSON object around messages in an answer. */
type Answer = Record<string, unknown>

const deepest = 8

/**
 * Returns the senders of all messages in an answer; undefined if one of them may be anyone's. `From` counts only if the
 * mail server has verified its domain, whose signature covers all that is shown. Lists and searches do not say, so they count as a stranger's.
 */
export function shownSenders(answer: unknown): string[] | undefined {
  const senders: string[] = []
  return collect(answer, senders, deepest) ? senders : undefined
}

/**
 * Returns the ids of the drafts in an answer, and of the drafts of its submissions; undefined if it quotes a bounce,
 * which anyone can forge.
 */
export function shownDrafts(answer: unknown): string[] | undefined {
  const ids = new Set<string>()
  return collectDrafts(answer, ids, deepest) ? [...ids] : undefined
}

/** Returns whether an answer shows no message, because its lists are empty. */
export function showsNothing(answer: unknown, depth = deepest): boolean {
  if (typeof answer !== 'object' || answer === null) return true
  if (depth === 0 || 'subject' in answer) return false
  if (Array.isArray(answer)) return answer.length === 0
  const lists = Object.values(answer).filter(one => typeof one === 'object' && one !== null)
  return lists.length > 0 && lists.every(one => showsNothing(one, depth - 1))
}

function collectDrafts(value: unknown, ids: Set<string>, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every(one => collectDrafts(one, ids, depth - 1))
  if ('state' in value && value.state === 'bounced') return false
  if ('mode' in value && 'id' in value && typeof value.id === 'string') ids.add(value.id)
  if ('draft_id' in value && typeof value.draft_id === 'string') ids.add(value.draft_id)
  return Object.values(value).every(one => collectDrafts(one, ids, depth - 1))
}

/** Whether all that is shown is the sender's: what the signature leaves open may be anyone's. */
function isWhollyVerified(auth: unknown): boolean {
  if (typeof auth !== 'object' || auth === null || !('verdict' in auth) || auth.verdict !== 'verified') return false
  const unsigned = 'unsigned' in auth ? auth.unsigned : undefined
  return unsigned === undefined || unsigned === '' || (Array.isArray(unsigned) && unsigned.length === 0)
}

function collect(value: unknown, senders: string[], depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every(one => collect(one, senders, depth - 1))
  const answer = value as Answer
  if (!('subject' in answer)) return Object.values(answer).every(one => collect(one, senders, depth - 1))
  const { from, auth } = answer
  const isVerified = isWhollyVerified(auth)
  const people = Array.isArray(from) ? (from as unknown[]) : [from]
  if (!isVerified || people.length === 0) return false
  return people.every(person => {
    const email = typeof person === 'object' && person !== null && 'email' in person ? person.email : undefined
    if (typeof email !== 'string' || email === '') return false
    senders.push(email)
    return true
  })
}
