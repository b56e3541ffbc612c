/** The newest calls of tools, in memory: a call by call account for people who watch. The audit trail is what is kept. */
import { type AgentCall, touchedBounds } from '../../contract/agents.ts'
import { ownCopy } from '../platform/text.ts'
import { coversAccounts, type Sight } from '../platform/visible-figures.ts'
import { cutText } from '../reading/stranger-text.ts'

export interface HeldCall {
  /** As it is told to callers with `mail:meta`. */
  readonly call: AgentCall
  /** The accounts that it may have been about: only callers that see all of them are told of it. */
  readonly accounts: Sight['accounts']
}

export const maxCalls = 1_000
/** So that a busy token does not push out what the others did. */
const maxCallsOfPrincipal = 300

export class AgentCalls {
  /** Oldest first. */
  readonly #calls: HeldCall[] = []
  readonly #counts = new Map<string, number>()

  add(held: HeldCall): void {
    const { principal } = held.call
    this.#calls.push(held)
    const count = (this.#counts.get(principal) ?? 0) + 1
    this.#counts.set(principal, count)
    if (count > maxCallsOfPrincipal) this.#remove(this.#calls.findIndex(({ call }) => call.principal === principal))
    if (this.#calls.length > maxCalls) this.#remove(0)
  }

  /** Newest first. */
  list(sight: Sight, isMeant: (call: AgentCall) => boolean, limit: number): AgentCall[] {
    const found: AgentCall[] = []
    for (let at = this.#calls.length - 1; at >= 0 && found.length < limit; at--) {
      const { call, accounts } = this.#calls[at]!
      if (isMeant(call) && coversAccounts(sight, accounts)) found.push(call)
    }
    return found
  }

  #remove(at: number): void {
    const [removed] = this.#calls.splice(at, 1)
    if (!removed) return
    const { principal } = removed.call
    const left = (this.#counts.get(principal) ?? 1) - 1
    if (left > 0) this.#counts.set(principal, left)
    else this.#counts.delete(principal)
  }
}

/** What the result of a tool says of messages: how many, and of the first one sender and subject. Words of strangers, truncated. */
export interface Touched {
  messages: number | null
  sender: string | null
  subject: string | null
}

/** Names of lists of messages in the results of tools. */
const lists = ['messages', 'hits'] as const

export function touchedBy(output: object): Touched {
  const fields = output as Record<string, unknown>
  const found = lists.map(name => fields[name]).find(Array.isArray)
  if (!found) return { messages: typeof fields.ok === 'number' ? fields.ok : null, sender: null, subject: null }
  const { from, subject } = (found[0] ?? {}) as { from?: unknown; subject?: unknown }
  return {
    messages: found.length,
    sender: short(senderOf(from), touchedBounds.sender),
    subject: short(subject, touchedBounds.subject),
  }
}

/** Of messages that were read, people; of hits, words: an address, and the name behind it. */
function senderOf(from: unknown): string | undefined {
  if (typeof from === 'string') return /^[^\s,]+@[^\s,]+/.exec(from)?.[0] ?? from
  const [author] = (Array.isArray(from) ? from : []) as { email?: string; invalid?: string; name?: string }[]
  return author?.email ?? author?.invalid ?? author?.name
}

function short(words: unknown, most: number): string | null {
  return typeof words === 'string' && words !== '' ? ownCopy(cutText(words, most)) : null
}
