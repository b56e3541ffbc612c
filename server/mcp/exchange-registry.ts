/** Knows which MCP exchanges are under way and for whom: bounds them, and ends or narrows them with what their principal may. */
import { ChangedPrincipals } from '../platform/changed-principals.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal, PrincipalListener } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'

/** `stream`: stays open until somebody ends it; `call`: ends by itself. */
export type ExchangeKind = 'stream' | 'call'

export interface Exchange {
  readonly kind: ExchangeKind
  /** The principal may other things from now on. */
  toolsChanged(): void
  /** Within a moment. @param problem For who still waits for an answer. */
  end(problem: Problem): void
}

interface Entry {
  principal: Principal
  readonly exchange: Exchange
}

export const maxOpen: Record<ExchangeKind, { server: number; principal: number }> = {
  stream: { server: 1000, principal: 20 },
  call: { server: 1000, principal: 50 },
}
const words: Record<ExchangeKind, string> = { stream: 'MCP streams open', call: 'MCP calls under way' }
/** So that a stream ends within a second of its principal. */
const checkEveryMs = 500

export class ExchangeRegistry implements PrincipalListener {
  readonly #now: () => number
  readonly #logger: Logger
  /** By principal. */
  readonly #entries = new Map<string, Set<Entry>>()
  readonly #counts: Record<ExchangeKind, number> = { stream: 0, call: 0 }
  readonly #changes = new ChangedPrincipals()
  readonly #stopped = new AbortController()

  constructor({ now, logger }: { now: () => number; logger: Logger }) {
    this.#now = now
    this.#logger = logger
  }

  start(): void {
    const failed = (err: unknown) => this.#logger.error({ err }, 'the MCP streams could not be looked after')
    every(checkEveryMs, this.#stopped.signal, () => this.#check(), failed)
  }

  /** Ends the streams. Calls under way end by themselves: the door waits for them. */
  stop(): void {
    this.#stopped.abort()
    const problem = new Problem('draining', 'RustyMail is shutting down.', { retryAfterSeconds: 5 })
    for (const { exchange } of this.#all()) if (exchange.kind === 'stream') exchange.end(problem)
  }

  /**
   * Answers how to say that it is over, whatever ended it; a second time does nothing.
   * @param principal As it was when the request came.
   * @throws Problem when there is no room for one more, or the principal was revoked meanwhile.
   */
  open(principal: Principal, exchange: Exchange): { principal: Principal; closed(): void } {
    // Its rights were looked up before its body was read, and can have changed since.
    const current = this.#changes.current(principal, this.#now())
    if (!current) throw revoked()
    this.#checkRoom(current.id, exchange.kind)
    const entry: Entry = { principal: current, exchange }
    const entries = this.#entries.get(current.id) ?? new Set()
    this.#entries.set(current.id, entries.add(entry))
    this.#counts[exchange.kind]++
    return { principal: current, closed: () => this.#close(entry) }
  }

  changed(principal: Principal): void {
    this.#changes.note(principal.id, principal, this.#now())
    const problem = new Problem('forbidden', 'What you may do was narrowed while this ran; call again.')
    for (const entry of this.#of(principal.id)) {
      const { principal: before, exchange } = entry
      entry.principal = principal
      const isNarrower = isMore(before, principal)
      // A call that began with rights that are gone might still answer by them.
      if (exchange.kind === 'call' && isNarrower) exchange.end(problem)
      if (exchange.kind === 'stream' && (isNarrower || isMore(principal, before))) exchange.toolsChanged()
    }
  }

  revoked(principalId: string): void {
    this.#changes.note(principalId, undefined, this.#now())
    for (const { exchange } of this.#of(principalId)) exchange.end(revoked())
  }

  #check(): void {
    const now = this.#now()
    for (const { principal, exchange } of this.#all()) {
      if (now >= (principal.endsAt ?? Number.POSITIVE_INFINITY)) exchange.end(revoked())
    }
  }

  #checkRoom(principalId: string, kind: ExchangeKind): void {
    const { server, principal } = maxOpen[kind]
    if (this.#counts[kind] >= server) {
      throw new Problem('overloaded', `This server already has ${server} ${words[kind]}.`, { retryAfterSeconds: 5 })
    }
    if (this.#of(principalId).filter(({ exchange }) => exchange.kind === kind).length < principal) return
    const code = kind === 'stream' ? 'too_many_streams' : 'too_many_requests'
    throw new Problem(code, `You already have ${principal} ${words[kind]}.`, { retryAfterSeconds: 5 })
  }

  #close(entry: Entry): void {
    const { principal, exchange } = entry
    const entries = this.#entries.get(principal.id)
    if (!entries?.delete(entry)) return
    if (entries.size === 0) this.#entries.delete(principal.id)
    this.#counts[exchange.kind]--
  }

  /** As they are now: ending one does not disturb the walk. */
  #of(principalId: string): Entry[] {
    return [...(this.#entries.get(principalId) ?? [])]
  }

  #all(): Entry[] {
    return [...this.#entries.values()].flatMap(entries => [...entries])
  }
}

/** Whether the one may anything that the other may not. */
function isMore(one: Principal, other: Principal): boolean {
  if ([...one.scopes].some(scope => !other.scopes.has(scope))) return true
  const { accounts } = other
  if (accounts === 'all') return false
  return one.accounts === 'all' || [...one.accounts].some(id => !accounts.has(id))
}

function revoked(): Problem {
  return new Problem('unauthorized', 'What you signed in with was revoked; sign in again, or send another token.')
}
