/** Hears what programs are shown, and notes when words of strangers are among it: whose they are, as far as its sender is certain. */
import { policyBounds, type TokenPolicy } from '../../contract/policy.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { Shown } from '../platform/shown.ts'
import { wordsShown } from './foreign-words.ts'
import type { StrangerReads, Written } from './stranger-reads.ts'

export interface ShownWordsOptions {
  reads: Pick<StrangerReads, 'note' | 'noteWritten'>
  policyOf(principal: Principal): TokenPolicy | undefined
  /** Those of the drafts that there still are. */
  draftsOf(ids: readonly string[]): Promise<(Written & { id: string })[]>
}

const longestMinutes = 1_440

export class ShownWords {
  readonly #options: ShownWordsOptions

  constructor(options: ShownWordsOptions) {
    this.#options = options
  }

  /** Waited for where the policy of the program asks, when it sends, whether it has read a stranger's mail. */
  readonly hear: Shown = (principal, { name }, accountId, answer) => {
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
        return this.#hearWritten(principal, accountId, answer)
      default:
        if (answer !== undefined && showsNothing(answer)) return undefined
        return reads.note(id, accountId, undefined)
    }
  }

  #hearWritten(principal: Principal, accountId: string | undefined, answer: unknown): Promise<void> | undefined {
    const { reads, policyOf, draftsOf } = this.#options
    const ids = shownDrafts(answer)
    if (ids === undefined) return reads.note(principal.id, accountId, undefined)
    if (ids.length === 0) return undefined
    const asked = policyOf(principal)?.sending.approval.tainted_minutes ?? longestMinutes
    const minutes = Math.max(asked, policyBounds.outsidersMinutes)
    return reads.noteWritten(principal.id, minutes * 60_000, async () => {
      const found = await draftsOf(ids)
      const isWhole = found.length === ids.length
      // What became of a draft that is gone is not known.
      return isWhole ? found : [...found, { by: '', taintMs: 0 }]
    })
  }
}

/** Where each message is approved anyway, what was read decides nothing. */
function asksForTaint({ mode, sending: { approval } }: TokenPolicy): boolean {
  return approval.tainted_minutes !== null || (mode === 'act' && !approval.always)
}

function refuse(cause: unknown): never {
  const detail =
    'That this shows mail of strangers cannot be recorded just now, and the policy of the token asks for it.'
  throw new Problem('overloaded', detail, { retryAfterSeconds: 5, cause })
}

/** A draft that was just begun: all else in it is what the call itself said. */
function repeatsMail(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null) return true
  const isNew = 'mode' in answer && answer.mode === 'new'
  return !isNew || !('attachments' in answer) || !Array.isArray(answer.attachments) || answer.attachments.length > 0
}

/** The wrapping of answers by which messages come. */
type Answer = Record<string, unknown>

const deepest = 8

/**
 * Addresses of all messages in an answer; undefined where one of them may be of somebody else. From alone says nothing: it counts only where the mail
 * server has verified its domain. Lists and searches do not say so, so what they show counts as a stranger's.
 */
export function shownSenders(answer: unknown): string[] | undefined {
  const senders: string[] = []
  return collect(answer, senders, deepest) ? senders : undefined
}

/** Of the drafts in an answer, and of those of the submissions in it; undefined where it says what came back, which anybody can forge. */
export function shownDrafts(answer: unknown): string[] | undefined {
  const ids = new Set<string>()
  return collectDrafts(answer, ids, deepest) ? [...ids] : undefined
}

/** Whether a list, or all lists, of an answer are empty. */
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

function collect(value: unknown, senders: string[], depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every(one => collect(one, senders, depth - 1))
  const answer = value as Answer
  if (!('subject' in answer)) return Object.values(answer).every(one => collect(one, senders, depth - 1))
  const { from, auth } = answer
  const isVerified = typeof auth === 'object' && auth !== null && 'verdict' in auth && auth.verdict === 'verified'
  const people = Array.isArray(from) ? (from as unknown[]) : [from]
  if (!isVerified || people.length === 0) return false
  return people.every(person => {
    const email = typeof person === 'object' && person !== null && 'email' in person ? person.email : undefined
    if (typeof email !== 'string' || email === '') return false
    senders.push(email)
    return true
  })
}
