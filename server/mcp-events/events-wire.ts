/**
 * The wire format of MCP Events: the extension `io.modelcontextprotocol/events` (SEP-3415), its methods, messages and
 * error codes. docs/mcp-events.md says which parts are implemented, and from which texts. Nothing else in the server
 * knows these names.
 */
import { z } from 'zod'
import type { ProblemCode } from '../../contract/problem.ts'
import { McpError, mcpErrors } from '../mcp/mcp-port.ts'
import { faultWords } from '../platform/fault-words.ts'
import { Problem } from '../platform/problem.ts'

export const extensionName = 'io.modelcontextprotocol/events'

export const methods = {
  list: 'events/list',
  poll: 'events/poll',
  stream: 'events/stream',
  subscribe: 'events/subscribe',
  unsubscribe: 'events/unsubscribe',
} as const

export const notifications = {
  active: 'notifications/events/active',
  event: 'notifications/events/event',
  heartbeat: 'notifications/events/heartbeat',
  terminated: 'notifications/events/terminated',
} as const

/** SEP-3415, "Error Handling". */
export const eventErrors = {
  invalidParams: mcpErrors.invalidParams,
  notFound: -32_023,
  forbidden: -32_024,
  resourceExhausted: -32_025,
  unsupported: -32_026,
  callbackEndpoint: -32_027,
} as const

/** The only header beside those of Standard Webhooks. */
export const subscriptionHeader = 'X-MCP-Subscription-Id'
/** Key in `_meta` of each notification of a stream and of its result, holding the request id. */
const subscriptionMeta = 'io.modelcontextprotocol/subscriptionId'

export interface EventOccurrence {
  eventId: string
  name: string
  timestamp: string
  data: Record<string, unknown>
}

export interface EventError {
  code: number
  message: string
  data?: Record<string, unknown>
}

const Arguments = z.record(z.string(), z.unknown()).nullish()
const Cursor = z.string().max(100).nullish()
const Milliseconds = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const name = z.string().min(1).max(100)
const url = z.string().min(1).max(2_000)

export const ListParams = z.object({ cursor: Cursor })
export const PollParams = z.object({
  name,
  arguments: Arguments,
  cursor: Cursor,
  maxAgeMs: Milliseconds.nullish(),
  maxEvents: z.number().int().positive().nullish(),
})
export const StreamParams = PollParams.omit({ maxEvents: true })
export const SubscribeParams = z.object({
  name,
  arguments: Arguments,
  delivery: z.object({ mode: z.string().max(20), url, secret: z.string().max(200) }),
  cursor: Cursor,
  maxAgeMs: Milliseconds.nullish(),
  ttlMs: Milliseconds.positive().nullish(),
})
export const UnsubscribeParams = z.object({
  name,
  arguments: Arguments,
  // Some clients send the mode, too.
  delivery: z.object({ mode: z.string().max(20).optional(), url }),
})

/** Validates params. @throws McpError that names what is wrong. */
export function parsed<Shape>(schema: z.ZodType<Shape>, params: unknown): Shape {
  const result = schema.safeParse(params, { error: faultWords })
  if (result.success) return result.data
  throw invalidParams(wordsOf(result.error))
}

export function wordsOf(error: z.ZodError): string {
  const words = error.issues.map(({ path, message }) => `${path.join('.') || 'params'}: ${message}`)
  return words.join('; ').slice(0, 500)
}

export function invalidParams(words: string): McpError {
  return new McpError(eventErrors.invalidParams, `Invalid params: ${words}`)
}

export function notFound(kind: 'event' | 'subscription'): McpError {
  return new McpError(eventErrors.notFound, 'NotFound', { kind })
}

export function forbidden(reason: string): McpError {
  return new McpError(eventErrors.forbidden, 'Forbidden', { reason })
}

export function resourceExhausted(limit: string, max: number): McpError {
  return new McpError(eventErrors.resourceExhausted, 'ResourceExhausted', { limit, max })
}

export function unsupported(feature: string, value: string): McpError {
  return new McpError(eventErrors.unsupported, 'Unsupported', { feature, value })
}

export function callbackEndpointError(reason: string): McpError {
  return new McpError(eventErrors.callbackEndpoint, 'CallbackEndpointError', { reason })
}

/** Translates Problems of the gate and the services; other Problems are left to the adapter. */
export function toEventError(error: unknown): unknown {
  if (!(error instanceof Problem)) return error
  const codes: Partial<Record<ProblemCode, (problem: Problem) => McpError>> = {
    unauthorized: ({ message }) => forbidden(message),
    forbidden: ({ message }) => forbidden(message),
    frozen: ({ message }) => forbidden(message),
    session_needed: ({ message }) => forbidden(message),
    account_not_found: ({ message }) => forbidden(message),
    bad_request: ({ message }) => invalidParams(message),
    too_many_requests: ({ message, extension }) =>
      new McpError(eventErrors.resourceExhausted, 'ResourceExhausted', {
        limit: 'requests',
        reason: message,
        retryAfterMs: (extension.retryAfterSeconds ?? 1) * 1_000,
      }),
  }
  return codes[error.code]?.(error) ?? error
}

/** Returns an error in the form of `terminated`. */
export function errorOf({ code, message, data }: McpError): EventError {
  return { code, message, ...(data && { data }) }
}

export function metaOf(id: string | number): { _meta: Record<string, unknown> } {
  return { _meta: { [subscriptionMeta]: id } }
}

/** Completes a result of the extension. */
export function complete<Result extends object>(result: Result): Result & { resultType: 'complete' } {
  return { resultType: 'complete', ...result }
}

/** Bodies of webhooks that are not occurrences. */
export const control = {
  gap: (cursor: string) => JSON.stringify({ type: 'gap', cursor }),
  terminated: (error: EventError) => JSON.stringify({ type: 'terminated', error }),
  verification: (challenge: string) => JSON.stringify({ type: 'verification', challenge }),
}

/** @param unique The same for each repetition, so that receivers can dedupe. */
export function controlId(type: keyof typeof control, unique: string): string {
  return `msg_${type}_${unique}`
}

/** Returns the challenge of a response `{"challenge": …}`; undefined for anything else. */
export function challengeIn(text: string): string | undefined {
  try {
    const result = z.object({ challenge: z.string() }).safeParse(JSON.parse(text))
    return result.data?.challenge
  } catch {
    return undefined
  }
}
