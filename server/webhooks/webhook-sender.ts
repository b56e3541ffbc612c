/**
 * Makes one attempt to deliver a message to an endpoint, and classifies the outcome. Responses of endpoints are not
 * disclosed here.
 */
import type { GuardedFetch, PostAnswer } from '../platform/network/guarded-fetch.ts'
import { Problem } from '../platform/problem.ts'
import type { TraceCarrier } from '../platform/tracing/span.ts'
import type { Sign } from './webhook-signer.ts'

export interface WebhookMessage {
  /** The same for each attempt, so that receivers can dedupe. */
  id: string
  body: string
  /** The trace of the fact, if it was traced. */
  origin?: TraceCarrier | undefined
}

/** The categories of MCP Events, used for all webhooks: full responses would reveal servers that only we can reach. */
export type WebhookFault = 'connection_refused' | 'timeout' | 'tls_error' | 'http_4xx' | 'http_5xx' | 'challenge_failed'

/** `gone`: the endpoint wants no more messages; `refused`: it will never accept this one. */
export type WebhookOutcome = { answer?: WebhookAnswer } & (
  | { kind: 'sent'; text: string }
  | { kind: 'gone' | 'refused'; fault: WebhookFault }
  | { kind: 'retry'; fault: WebhookFault; afterMs: number | undefined }
)

/** The response, for callers that may read it. */
export type WebhookAnswer = Pick<PostAnswer, 'status' | 'text' | 'isPrivate'>

export interface WebhookAttempt {
  url: string
  message: WebhookMessage
  sign: Sign
  /** Headers beside those of every request. */
  headers: Record<string, string>
  /** Parent trace; `none` for a trace of its own. The current one unless given. */
  origin?: TraceCarrier | 'none'
  signal: AbortSignal
}

export interface WebhookSenderOptions {
  http: Pick<GuardedFetch, 'post'>
  userAgent: string
  now(): number
  timeoutMs?: number
}

const defaultTimeoutMs = 10_000
/** Bytes of a response that are read before its connection is closed. */
const maxAnswerBytes = 16 * 1024
const leastRetryAfterMs = 1_000
const mostRetryAfterMs = 60 * 60_000

export class WebhookSender {
  readonly #options: WebhookSenderOptions

  constructor(options: WebhookSenderOptions) {
    this.#options = options
  }

  async send({ url, message, sign, headers, signal }: WebhookAttempt): Promise<WebhookOutcome> {
    const { http, userAgent, now, timeoutMs = defaultTimeoutMs } = this.#options
    // AbortSignal.any() would cost more than the request.
    const bounded = new AbortController()
    const cut = () => bounded.abort()
    const timer = setTimeout(cut, timeoutMs)
    if (signal.aborted) cut()
    else signal.addEventListener('abort', cut, { once: true })
    const { id, body } = message
    const common = { 'content-type': 'application/json', 'user-agent': userAgent, ...headers }
    try {
      const answer = await http.post(new URL(url), {
        headers: { ...common, ...sign(id, new Date(now()), body) },
        body,
        maxBytes: maxAnswerBytes,
        signal: bounded.signal,
      })
      return { ...outcomeOf(answer.status, answer.text, answer.retryAfter, now()), answer }
    } catch (error) {
      return { kind: 'retry', fault: faultOf(error, bounded.signal), afterMs: undefined }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', cut)
    }
  }
}

function outcomeOf(status: number, text: string, retryAfter: string | undefined, now: number): WebhookOutcome {
  if (status >= 200 && status < 300) return { kind: 'sent', text }
  const fault = status >= 500 ? 'http_5xx' : 'http_4xx'
  if (status === 410) return { kind: 'gone', fault }
  if (status === 413) return { kind: 'refused', fault }
  return { kind: 'retry', fault, afterMs: retryAfterMs(retryAfter, now) }
}

/** Parses seconds or an HTTP date (RFC 9110, section 10.2.3). */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined || !/^(\d{1,9}|[A-Z][a-z]+, .{5,40})$/.test(value)) return undefined
  const ms = /^\d/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, leastRetryAfterMs), mostRetryAfterMs)
}

const tlsCode = /^(ERR_TLS|ERR_SSL|CERT_|EPROTO$)|CERT|SIGNATURE|ISSUER/

/** A blocked address is reported like one that refuses connections. */
function faultOf(error: unknown, signal: AbortSignal): WebhookFault {
  if (signal.aborted) return 'timeout'
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if (cause instanceof Problem) return 'connection_refused'
    const code = 'code' in cause ? String(cause.code) : ''
    if (tlsCode.test(code)) return 'tls_error'
    if (/TIMEOUT|ETIMEDOUT/.test(code)) return 'timeout'
  }
  return 'connection_refused'
}
