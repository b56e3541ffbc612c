/** What came of a request, told to the metrics and to the audit trail. */
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
  /** `ok`, another outcome that is no refusal, or the code of the problem. */
  code: string
  durationMs: number
  /** Undefined when the principal stayed unknown. */
  caller: Caller | undefined
  address: string
  userAgent: string
  isCounted: boolean
  requestId: string
  /** What it was done to: the parameters of the path, and what the handler noted. */
  refs: Record<string, string>
  /** Undefined when nothing but secrets was in it, or when it was refused before it was checked. Not to be kept. */
  input: SafeInput | undefined
  /** Whether there was a cookie, a token or a key, right or wrong. */
  hasCredentials: boolean
}

/** Keeps who did what. */
export interface Trail {
  /** It can hold no more: nothing that changes something is let in until it can. */
  readonly isFull: boolean
  /** Resolves when it is kept, or waits to be for longer than an answer should; undefined for what is not noted. Never rejects. */
  record(outcome: RequestOutcome): Promise<void> | undefined
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
