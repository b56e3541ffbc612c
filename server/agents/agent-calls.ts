/** The newest calls of tools, in memory: a call by call account for people who watch. The audit trail is what is kept. */
import type { AgentCall } from '../../contract/agents.ts'
import { coversAccounts, type Sight } from '../platform/visible-figures.ts'

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
