/**
 * Makes one attempt to deliver a notification to a push service: encrypted for the browser (RFC 8291), signed as this
 * server (RFC 8292).
 */
import { Problem } from '../platform/problem.ts'
import type { PushServices } from './push-services.ts'
import type { PushRow } from './push-tables.ts'
import type { VapidKeys } from './vapid-keys.ts'

export interface PushMessage {
  payload: string
  /** How long the push service keeps it for an offline browser. */
  ttlSeconds: number
  /** Replaces a message with the same topic that still waits for the browser; up to 32 characters of base64url. */
  topic: string
}

/**
 * `gone`: the subscription no longer exists. `retry`: it may be accepted later. `refused`: a retry would be refused
 * too.
 */
export type PushOutcome =
  | { kind: 'sent' }
  | { kind: 'gone' | 'refused'; why: string }
  | { kind: 'retry'; why: string; afterMs: number | undefined }

export interface PushSenderOptions {
  services: Pick<PushServices, 'check'>
  keys(): Promise<VapidKeys>
  /** Connects only to public addresses, unless private ones are allowed. */
  fetch: typeof fetch
  /** The contact given to push services: `https:` or `mailto:`. */
  subject(): string
  timeoutMs?: number
}

const defaultTimeoutMs = 10_000
/** Every payload is padded to this length, so that the length does not reveal who asks. */
const paddedBytes = 1_024
const leastRetryAfterMs = 1_000
const mostRetryAfterMs = 60 * 60_000

export class PushSender {
  readonly #options: PushSenderOptions

  constructor(options: PushSenderOptions) {
    this.#options = options
  }

  /** @throws Errors that prevented the attempt; failed attempts are outcomes. */
  async send(to: Pick<PushRow, 'endpoint' | 'p256dh' | 'auth'>, message: PushMessage, signal: AbortSignal) {
    const { services, keys, fetch, subject, timeoutMs = defaultTimeoutMs } = this.#options
    const url = checked(services, to.endpoint)
    if (url instanceof Problem) return { kind: 'refused', why: url.message } satisfies PushOutcome
    // Loaded when first needed: most servers push nothing.
    const { default: webPush } = await import('web-push')
    const { publicKey, privateKey } = await keys()
    const { cipherText } = webPush.encrypt(to.p256dh, to.auth, padded(message.payload), 'aes128gcm')
    const { Authorization } = webPush.getVapidHeaders(url.origin, subject(), publicKey, privateKey, 'aes128gcm')
    const headers = {
      authorization: Authorization,
      'content-encoding': 'aes128gcm',
      'content-type': 'application/octet-stream',
      ttl: String(message.ttlSeconds),
      urgency: 'high',
      topic: message.topic,
    }
    const body = new Uint8Array(cipherText)
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    try {
      const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal: bounded })
      // The body is discarded unread.
      await answer.body?.cancel()
      return outcomeOf(answer.status, answer.headers.get('retry-after'))
    } catch (error) {
      return faultOf(error, bounded)
    }
  }
}

function checked(services: Pick<PushServices, 'check'>, endpoint: string): URL | Problem {
  try {
    return services.check(endpoint)
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
}

function padded(payload: string): string {
  return payload + ' '.repeat(Math.max(0, paddedBytes - Buffer.byteLength(payload)))
}

function outcomeOf(status: number, retryAfter: string | null): PushOutcome {
  const why = `The push service answered ${status}.`
  if (status >= 200 && status < 300) return { kind: 'sent' }
  if (status === 404 || status === 410) return { kind: 'gone', why }
  if (status === 429 || status >= 500) return { kind: 'retry', why, afterMs: retryAfterMs(retryAfter) }
  if (status >= 300 && status < 400) return { kind: 'refused', why: `${why} Redirects are not followed.` }
  return { kind: 'refused', why }
}

/** Parses seconds or an HTTP date (RFC 9110, section 10.2.3). */
function retryAfterMs(value: string | null): number | undefined {
  if (value === null || !/^(\d{1,9}|[A-Z][a-z]+, .{5,40})$/.test(value)) return undefined
  const ms = /^\d/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, leastRetryAfterMs), mostRetryAfterMs)
}

function faultOf(error: unknown, signal: AbortSignal): PushOutcome {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if (cause instanceof Problem) return { kind: 'refused', why: cause.message }
  }
  const why = signal.aborted ? 'The push service did not answer in time.' : 'The push service could not be reached.'
  return { kind: 'retry', why, afterMs: undefined }
}
