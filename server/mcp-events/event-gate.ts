/**
 * The gate of MCP Events: each call passes it as a tool call does, and what reaches a program is recorded as shown to
 * it.
 */
import { McpError } from '../mcp/mcp-port.ts'
import { faultWords } from '../platform/fault-words.ts'
import { guard, type Operation, type Stops } from '../platform/guard.ts'
import type { RequestOutcome, Trail } from '../platform/http/http-outcome.ts'
import { toProblem } from '../platform/http/http-problem.ts'
import type { Caller, Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { HttpLimits } from '../platform/rate-limits.ts'
import type { Shown } from '../platform/shown.ts'
import { clientOf } from '../platform/text.ts'
import { type EventName, eventTypes, isEventName, type RequestedEvent, scopeOf } from './event-types.ts'
import { type EventOccurrence, forbidden, invalidParams, notFound, toEventError, wordsOf } from './events-wire.ts'

export interface EventGateOptions {
  limits: Pick<HttpLimits, 'checkPrincipal'>
  trail: Trail
  stops: Stops
  shown: Shown
  /** Checks that a search is valid and needs no more rights than the principal has. @throws Problem */
  checkQuery(principal: Principal, query: string): void
  observe(outcome: RequestOutcome): void
}

export type EventAction = 'list' | 'poll' | 'stream' | 'subscribe' | 'unsubscribe'

interface Call {
  caller: Caller
  requestId: string
  peer?: { name: string; version: string } | undefined
}

const effects = { list: 'read', poll: 'read', stream: 'read', subscribe: 'write', unsubscribe: 'write' } as const
/** The operation by which subject and sender are shown. */
const mail: Operation = { name: 'event.mail', scope: 'mail:meta', effect: 'read' }

export class EventGate {
  readonly #options: EventGateOptions

  constructor(options: EventGateOptions) {
    this.#options = options
  }

  /**
   * Admits a call and records it in the trail, for a change before it is answered. @param refs Details for the trail;
   * filled in while it runs. @throws McpError, Problem
   */
  async run<Result>(
    action: EventAction,
    { caller, requestId, peer }: Call,
    refs: Record<string, string>,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const { limits, trail, stops, observe } = this.#options
    const operation: Operation = { name: `event.${action}`, scope: 'signed_in', effect: effects[action] }
    const began = performance.now()
    refs.client = clientOf(peer)
    const deliver = (problem: Problem | undefined, isRefused: boolean) => {
      const status = problem?.status ?? (isRefused ? 400 : 200)
      const outcome: RequestOutcome = {
        ...{ operation: operation.name, effect: operation.effect, method: 'CALL', status, caller, requestId, refs },
        ...{ code: problem?.code ?? (isRefused ? 'bad_request' : 'ok'), durationMs: performance.now() - began },
        ...{ address: caller.address, userAgent: caller.userAgent, isCounted: false, input: undefined },
        hasCredentials: true,
      }
      observe(outcome)
      return trail.record(outcome)
    }
    try {
      guard(caller.principal, operation, undefined, stops)
      if (operation.effect === 'write' && action !== 'unsubscribe' && trail.isFull) {
        const detail = 'The audit trail cannot be written, so changes are rejected.'
        throw new Problem('overloaded', detail, { retryAfterSeconds: 10 })
      }
      limits.checkPrincipal(caller.principal, caller.address, undefined)
      const result = await work()
      const kept = deliver(undefined, false)
      if (operation.effect === 'write') await kept
      return result
    } catch (error) {
      await deliver(error instanceof McpError ? undefined : toProblem(error), true)
      throw toEventError(error)
    }
  }

  /** Whether the principal may list and request the event. */
  isOpen(principal: Principal, name: EventName): boolean {
    return principal.scopes.has(scopeOf(name))
  }

  /** Validates what was asked for. @throws McpError */
  asked(principal: Principal, name: string, given: Record<string, unknown> | null | undefined): RequestedEvent {
    if (!isEventName(name)) throw notFound('event')
    if (!this.isOpen(principal, name)) throw forbidden(`This requires the scope ${scopeOf(name)}.`)
    const result = eventTypes[name].arguments.safeParse(given ?? {}, { error: faultWords })
    if (!result.success) throw invalidParams(`arguments: ${wordsOf(result.error)}`)
    const asked: RequestedEvent = { name, arguments: result.data }
    const { account, query } = asked.arguments
    const { stops, checkQuery } = this.#options
    const read = { name: `event.${name}`, scope: scopeOf(name), effect: 'read' } as const
    if (account !== undefined) guard(principal, read, account, stops)
    else stops.checkAll(principal, read)
    if (query !== undefined) checkQuery(principal, query)
    return asked
  }

  /**
   * Records an event as shown before it is sent. @throws Problem if that fails and the program's policy requires it.
   */
  async show(principal: Principal, { name, data }: EventOccurrence): Promise<void> {
    if (name !== 'message.received' && name !== 'message.replied') return
    await this.#options.shown(principal, mail, String(data.account), data)
  }
}
