/** The outcome of a request, for metrics and the audit trail. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Effect } from '../../../contract/endpoint.ts'
import { type Caller, maxUserAgent } from '../principal.ts'
import type { OpenedStream } from './http-front.ts'
import type { SafeInput } from './http-input.ts'

export interface RequestOutcome {
  operation: string
  effect: Effect
  method: string
  status: number
  /** `ok`, another good outcome, or the code of the problem. */
  code: string
  durationMs: number
  /** Undefined if the caller was not identified. */
  caller: Caller | undefined
  address: string
  userAgent: string
  isCounted: boolean
  requestId: string
  /** The objects concerned: path parameters, and references noted by the handler. */
  refs: Record<string, string>
  /** Undefined if it held only secrets, or the request was rejected before validation. Must not be retained. */
  input: SafeInput | undefined
  /** Whether there was a cookie, a token or a key, valid or not. */
  hasCredentials: boolean
}

/** Counts finished requests and tool calls; must not throw. */
export interface OutcomeObserver<Answer extends unknown[] = []> {
  /** @param answer What a tool call was answered. */
  record(outcome: RequestOutcome, ...answer: Answer): void
}

/** The audit trail. */
export interface Trail {
  /** Whether its queue is full: changes are rejected until it has room. */
  readonly isFull: boolean
  /** Records an outcome. Resolves once stored, or after a timeout; undefined if it is not recorded. Never rejects. */
  record(outcome: RequestOutcome): Promise<void> | undefined
}

/** Returns a function that notifies all observers. */
export function toAll<Answer extends unknown[] = []>(
  observers: readonly OutcomeObserver<Answer>[],
): OutcomeObserver<Answer>['record'] {
  return (outcome, ...answer) => {
    for (const observer of observers) observer.record(outcome, ...answer)
  }
}

export function outcomeOf(request: FastifyRequest, reply: FastifyReply): RequestOutcome | undefined {
  const { operation, isCounted } = request.route ?? {}
  if (!operation) return undefined
  return {
    operation: operation.name,
    effect: operation.effect,
    method: request.method,
    status: reply.statusCode,
    code: request.outcomeCode ?? 'ok',
    durationMs: performance.now() - request.began,
    caller: request.caller,
    address: request.address,
    userAgent: (request.headers['user-agent'] ?? '').slice(0, maxUserAgent),
    isCounted: (isCounted ?? false) && !request.isStream,
    requestId: request.id,
    refs: { ...(request.params as Record<string, string> | null), ...request.notes },
    input: request.safeInput,
    hasCredentials: request.hasCredentials,
  }
}

export function outcomeOfStream({ operation, caller, input, requestId, durationMs }: OpenedStream): RequestOutcome {
  return {
    operation: operation.name,
    effect: operation.effect,
    method: 'GET',
    status: 200,
    code: 'ok',
    durationMs,
    caller,
    address: caller.address,
    userAgent: caller.userAgent,
    isCounted: false,
    requestId,
    refs: {},
    input,
    hasCredentials: true,
  }
}
