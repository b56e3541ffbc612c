/** What came of a request, told to who counts it and to who keeps the trail. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Effect } from '../../contract/endpoint.ts'
import type { OpenedStream } from './http-front.ts'
import { type Caller, maxUserAgent } from './principal.ts'

export interface RequestOutcome {
  operation: string
  effect: Effect
  method: string
  status: number
  /** `ok`, or the code of the problem. */
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
  /** As it came, unchecked; not to be kept. */
  input: { query: unknown; body: unknown }
}

/** Keeps who did what. */
export interface Trail {
  /** It can hold no more: nothing that changes something is let in until it can. */
  readonly isFull: boolean
  /** Resolves when it is kept, or waits to be for longer than an answer should; undefined for what is not noted. Never rejects. */
  record(outcome: RequestOutcome): Promise<void> | undefined
}

export function outcomeOf(request: FastifyRequest, reply: FastifyReply): RequestOutcome | undefined {
  const { operation, isCounted } = request.routeOptions.config
  if (!operation) return undefined
  return {
    operation: operation.name,
    effect: operation.effect,
    method: request.method,
    status: reply.statusCode,
    code: request.problemCode ?? 'ok',
    durationMs: performance.now() - request.began,
    caller: request.caller,
    address: request.address,
    userAgent: (request.headers['user-agent'] ?? '').slice(0, maxUserAgent),
    isCounted: (isCounted ?? false) && !request.isStream,
    requestId: request.id,
    refs: { ...(request.params as Record<string, string> | null), ...request.notes },
    input: { query: request.query, body: request.body },
  }
}

export function outcomeOfStream({ operation, caller, query, requestId, durationMs }: OpenedStream): RequestOutcome {
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
    input: { query, body: undefined },
  }
}
