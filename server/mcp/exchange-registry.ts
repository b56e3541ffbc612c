/** Tracks the open MCP exchanges by principal: bounds their number, and ends or narrows them when rights change. */
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import { isMore, limitKeyOf, type Principal, type PrincipalListener } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { McpChange } from './mcp-port.ts'
import type { ResourceUpdate } from './resource-updates.ts'

/** `stream`: open until it is ended; `events`: such a stream of an extension; `call`: ends by itself. */
export type ExchangeKind = 'stream' | 'events' | 'call'

export interface Exchange {
  readonly kind: ExchangeKind
  /** Called when the principal's rights have changed. */
  toolsChanged(): void
  /** Announces a change to a listening client. */
  publish?(change: McpChange): void
  /** Ends it shortly. @param problem The answer to callers that still wait for one. */
  end(problem: Problem): void
  /** Ends it immediately, without an answer unless there is one already. */
  cut(): void
}

interface Entry {
  principal: Principal
  readonly exchange: Exchange
  readonly openedAt: number
  /** When it was asked to end. */
  endedAt: number | undefined
}

export const maxOpen: Record<ExchangeKind, { server: number; person: number }> = {
  stream: { server: 1000, person: 20 },
  // SEP-3415 exempts them from the bounds of other streams, so they have their own.
  events: { server: 1000, person: 200 },
  call: { server: 1000, person: 50 },
}
const words: Record<ExchangeKind, string> = {
  stream: 'MCP streams open',
  events: 'MCP event streams open',
  call: 'MCP calls under way',
}
/** Short enough that a stream ends within a second of its principal. */
const checkEveryMs = 500
/** Deadline of a call. Reading twenty messages from a slow server takes seconds. */
export const maxCallMs = 120_000
/** Grace period of calls when the server stops, since a call may wait for a person or for mail. */
export const lastCallMs = 1_000
/** How long an exchange may take to end before it is cut, so that a client that does not read frees its place. */
export const endingMs = 2_000

export class ExchangeRegistry implements PrincipalListener {
  readonly #now: () => number
  readonly #logger: Logger
  /** Entries by principal id. */
  readonly #entries = new Map<string, Set<Entry>>()
  readonly #counts: Record<ExchangeKind, number> = { stream: 0, events: 0, call: 0 }
  /** Counts by person, across sessions and tokens. */
  readonly #countsOf: Record<ExchangeKind, Map<string, number>> = {
    stream: new Map(),
    events: new Map(),
    call: new Map(),
  }
  readonly #stopped = new AbortController()
  #leaving: NodeJS.Timeout | undefined

  constructor({ now, logger }: { now: () => number; logger: Logger }) {
    this.#now = now
    this.#logger = logger
  }

  start(): void {
    const failed = (err: unknown) => this.#logger.error({ err }, 'the MCP streams could not be maintained')
    every(checkEveryMs, this.#stopped.signal, () => this.#check(), failed)
  }

  /** Ends streams. Calls in flight get a grace period, and are then answered that the server stops. */
  stop(): void {
    this.#stopped.abort()
    const problem = new Problem('draining', 'RustyMail is shutting down.', { retryAfterSeconds: 5 })
    const endAll = (kinds: readonly ExchangeKind[]) => {
      for (const entry of this.#all()) {
        if (entry.endedAt === undefined && kinds.includes(entry.exchange.kind)) this.#end(entry, problem)
      }
    }
    endAll(['stream', 'events'])
    if (this.#entries.size === 0) return
    const began = this.#now()
    const leave = () => {
      this.#check()
      if (this.#now() - began >= lastCallMs) endAll(['call'])
    }
    this.#leaving ??= setInterval(leave, checkEveryMs).unref()
  }

  /**
   * @param principal As authenticated in this same turn, so that no change is missed. @returns A function to be called
   * when the exchange is over; idempotent. @throws Problem when a bound is reached.
   */
  open(principal: Principal, exchange: Exchange): () => void {
    this.#checkRoom(principal, exchange.kind)
    const entry: Entry = { principal, exchange, openedAt: this.#now(), endedAt: undefined }
    const entries = this.#entries.get(principal.id) ?? new Set()
    this.#entries.set(principal.id, entries.add(entry))
    this.#count(entry, 1)
    return () => this.#close(entry)
  }

  changed(principal: Principal): void {
    for (const entry of this.#of(principal.id)) {
      const { principal: before, exchange } = entry
      entry.principal = principal
      const isNarrower = isMore(before, principal)
      // Its answer might still use rights that were revoked.
      if (exchange.kind === 'call' && isNarrower) this.#end(entry, narrowed())
      if (exchange.kind !== 'call' && (isNarrower || isMore(principal, before))) exchange.toolsChanged()
    }
  }

  revoked(principalId: string): void {
    for (const entry of this.#of(principalId)) this.#end(entry, revoked())
  }

  /** Announces changes on the streams of all principals that may know of them. */
  publish({ changes, mayReceive }: ResourceUpdate): void {
    for (const { exchange, principal, endedAt } of this.#all()) {
      if (exchange.kind !== 'stream' || !exchange.publish || endedAt !== undefined || !mayReceive(principal)) continue
      for (const change of changes) exchange.publish(change)
    }
  }

  /** Ends the exchanges of principals that a freeze stops. */
  endWhere(isStopped: (principal: Principal) => boolean): void {
    const problem = new Problem('frozen', 'A human stopped what programs may read.')
    for (const entry of this.#all()) if (isStopped(entry.principal)) this.#end(entry, problem)
  }

  #check(): void {
    const now = this.#now()
    for (const entry of this.#all()) {
      const { principal, exchange, openedAt, endedAt } = entry
      if (endedAt !== undefined) {
        if (now - endedAt >= endingMs) exchange.cut()
      } else if (now >= (principal.endsAt ?? Number.POSITIVE_INFINITY)) this.#end(entry, revoked())
      else if (exchange.kind === 'call' && now - openedAt >= maxCallMs) this.#end(entry, tooLong())
    }
  }

  #end(entry: Entry, problem: Problem): void {
    entry.endedAt ??= this.#now()
    entry.exchange.end(problem)
  }

  #checkRoom(principal: Principal, kind: ExchangeKind): void {
    const { server, person } = maxOpen[kind]
    if (this.#counts[kind] >= server) {
      throw new Problem('overloaded', `This server already has ${server} ${words[kind]}.`, { retryAfterSeconds: 5 })
    }
    if ((this.#countsOf[kind].get(limitKeyOf(principal)) ?? 0) < person) return
    const code = kind === 'call' ? 'too_many_requests' : 'too_many_streams'
    throw new Problem(code, `You already have ${person} ${words[kind]}.`, { retryAfterSeconds: 5 })
  }

  #close(entry: Entry): void {
    const { principal } = entry
    const entries = this.#entries.get(principal.id)
    if (!entries?.delete(entry)) return
    if (entries.size === 0) this.#entries.delete(principal.id)
    this.#count(entry, -1)
    if (this.#entries.size === 0) clearInterval(this.#leaving)
  }

  #count({ principal, exchange: { kind } }: Entry, change: 1 | -1): void {
    const key = limitKeyOf(principal)
    const count = (this.#countsOf[kind].get(key) ?? 0) + change
    if (count > 0) this.#countsOf[kind].set(key, count)
    else this.#countsOf[kind].delete(key)
    this.#counts[kind] += change
  }

  /** Returns a snapshot, since entries end while it is iterated. */
  #of(principalId: string): Entry[] {
    return [...(this.#entries.get(principalId) ?? [])]
  }

  #all(): Entry[] {
    return [...this.#entries.values()].flatMap(entries => [...entries])
  }
}

function tooLong(): Problem {
  return new Problem('overloaded', `This call took longer than ${maxCallMs / 1000} s and was aborted; request less.`)
}

const narrowed = () => new Problem('forbidden', 'Your rights were narrowed during this call; call again.')

function revoked(): Problem {
  return new Problem('unauthorized', 'Your credentials were revoked; sign in again, or send another token.')
}
