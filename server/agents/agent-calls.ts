/** The newest tool calls, in memory: a live view for people who watch. The durable record is the audit trail. */
import { type AgentCall, touchedBounds } from '../../contract/agents.ts'
import { ownCopy } from '../platform/text.ts'
import { coversAccounts, type Sight } from '../platform/visible-figures.ts'
import { cutText } from '../reading/stranger-text.ts'

export interface HeldCall {
  /** The call as shown to callers with `mail:meta`. */
  readonly call: AgentCall
  /** The accounts that the call may concern: only callers that see all of them are shown it. */
  readonly accounts: Sight['accounts']
}

export const maxCalls = 1_000
/** Upper bound of calls kept per principal, so that a busy token does not evict those of others. */
const maxCallsOfPrincipal = 300

export class AgentCalls {
  /** The calls, oldest first. */
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

  /** Returns the newest first. */
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

/**
 * The messages in a tool result: their number, and sender and subject of the first one. Strangers' words, truncated.
 */
export interface Touched {
  messages: number | null
  sender: string | null
  subject: string | null
}

/** Field names of message lists in tool results. */
const lists = ['messages', 'hits'] as const

export function touchedBy(output: object): Touched {
  const fields = output as Record<string, unknown>
  const found = lists.map(name => fields[name]).find(Array.isArray)
  if (!found) return { messages: changedBy(fields), sender: null, subject: null }
  const { from, subject } = (found[0] ?? {}) as { from?: unknown; subject?: unknown }
  return {
    messages: found.length,
    sender: short(senderOf(from), touchedBounds.sender),
    subject: short(subject, touchedBounds.subject),
  }
}

/** Returns how many messages a change is about: those that it changed, and those that it has yet to change or proposes to. */
function changedBy({ ok, pending }: Record<string, unknown>): number | null {
  if (typeof ok !== 'number') return null
  return ok + (typeof pending === 'number' ? pending : 0)
}

/** Returns the author of a read message, or of a hit, which has text: an address followed by the name. */
function senderOf(from: unknown): string | undefined {
  if (typeof from === 'string') return /^[^\s,]+@[^\s,]+/.exec(from)?.[0] ?? from
  const [author] = (Array.isArray(from) ? from : []) as { email?: string; invalid?: string; name?: string }[]
  return author?.email ?? author?.invalid ?? author?.name
}

function short(words: unknown, most: number): string | null {
  return typeof words === 'string' && words !== '' ? ownCopy(cutText(words, most)) : null
}
