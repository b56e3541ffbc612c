/** Hears what programs are shown, and notes when words of strangers are among it. */
import { policyBounds, type TokenPolicy } from '../../contract/policy.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { Shown } from '../platform/shown.ts'
import { wordsShown } from './foreign-words.ts'
import { shownDrafts, shownSenders, showsNothing } from './shown-senders.ts'
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
