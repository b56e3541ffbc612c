/**
 * Sends a notice by one HTTP request, and interprets the response: the same for each service, except for the format of
 * its faults.
 */
import { isIP } from 'node:net'
import { notifierBounds } from '../../contract/notifiers.ts'
import type { GuardedFetch } from '../platform/network/guarded-fetch.ts'
import { judgeAddress } from '../platform/network/outbound-rules.ts'
import { Problem } from '../platform/problem.ts'
import { retryAfterMs } from '../webhooks/webhook-sender.ts'
import type { NoticeOutcome } from './notifier.ts'
import { missing } from './notifier-target.ts'

export interface NoticePostOptions {
  http: Pick<GuardedFetch, 'post'>
  /** @throws Problem for a host to which connections are refused; other errors if its name does not resolve. */
  checkHost(host: string, port: number): Promise<unknown>
  userAgent: string
  now(): number
  timeoutMs?: number
}

export interface NoticeRequest {
  url: string
  /** JSON. */
  body: string
  headers?: Record<string, string>
  /** Redacted from everything that the service answers. */
  secrets: readonly string[]
  /** Parses a service's own format of responses. */
  read?(text: string): { said?: string; afterMs?: number } | undefined
}

const defaultTimeoutMs = 10_000
/** Bytes read of a response; then its connection is closed. */
const maxAnswerBytes = 16 * 1024
const mostAfterMs = 60 * 60_000
const laterStatuses = [408, 425, 429]

export class NoticePost {
  readonly #options: NoticePostOptions

  constructor(options: NoticePostOptions) {
    this.#options = options
  }

  /** Allows plain HTTP only to a literal private address or this machine. @throws Problem */
  async check(text: string, field: string): Promise<void> {
    if (!URL.canParse(text)) throw missing(field, 'is not a URL')
    const url = new URL(text)
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const isNear = host === 'localhost' || (isIP(host) > 0 && judgeAddress(host) === 'inner')
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isNear)) {
      throw missing(field, 'must begin with https:// (http:// is for private addresses only)')
    }
    if (url.username !== '' || url.password !== '' || url.hash !== '') {
      throw missing(field, 'must have neither credentials nor a fragment')
    }
    if (field === 'server' && url.search !== '') {
      throw missing(field, 'must have no query: it is shown, and so would a token be')
    }
    try {
      await this.#options.checkHost(host, Number(url.port) || (url.protocol === 'https:' ? 443 : 80))
    } catch (error) {
      // A name that does not resolve now may do so later.
      if (error instanceof Problem && error.code === 'address_refused') throw error
    }
  }

  async send({ url, body, headers, secrets, read }: NoticeRequest, signal: AbortSignal): Promise<NoticeOutcome> {
    const { http, userAgent, now, timeoutMs = defaultTimeoutMs } = this.#options
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    try {
      const answer = await http.post(new URL(url), {
        headers: { 'content-type': 'application/json', 'user-agent': userAgent, ...headers },
        body,
        maxBytes: maxAnswerBytes,
        signal: bounded,
      })
      const own = read?.(answer.text)
      const afterMs = own?.afterMs ?? retryAfterMs(answer.retryAfter, now())
      return outcomeOf(answer.status, withoutSecrets(own?.said ?? answer.text, secrets), afterMs)
    } catch (error) {
      return faultOf(error, bounded, timeoutMs)
    }
  }
}

function outcomeOf(status: number, text: string, afterMs: number | undefined): NoticeOutcome {
  const said = text === '' ? `Answered ${status}.` : `Answered ${status}: ${text}`
  if (status >= 200 && status < 300) return { kind: 'sent', status, said }
  if (status >= 300 && status < 400) {
    return { kind: 'refused', status, said: `Answered ${status}: redirects are not followed.` }
  }
  if (status < 500 && !laterStatuses.includes(status)) return { kind: 'refused', status, said }
  return { kind: 'retry', status, said, afterMs: afterMs === undefined ? undefined : Math.min(afterMs, mostAfterMs) }
}

/** Redacts secrets. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let clean = text.slice(0, maxAnswerBytes)
  for (const secret of secrets.toSorted((one, other) => other.length - one.length)) {
    clean = clean.replaceAll(secret, '…').replaceAll(JSON.stringify(secret).slice(1, -1), '…')
  }
  return clean
    .replaceAll(/[\p{Cc}\p{Cf}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, notifierBounds.answer)
    .toWellFormed()
}

function faultOf(error: unknown, signal: AbortSignal, timeoutMs: number): NoticeOutcome {
  if (signal.aborted) return { kind: 'retry', status: null, said: `No answer within ${timeoutMs / 1_000} s.` }
  let code = ''
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++) {
    if (cause instanceof Problem) return { kind: 'refused', status: null, said: cause.message }
    if ('code' in cause && typeof cause.code === 'string') code = cause.code
  }
  const isTls = /^(ERR_TLS|ERR_SSL|CERT_|EPROTO$)|CERT|SIGNATURE|ISSUER/.test(code)
  const words = isTls ? 'There is no secure connection to it' : 'It could not be reached'
  return { kind: 'retry', status: null, said: code === '' ? `${words}.` : `${words} (${code}).` }
}

/** Returns an empty object for anything that is not an object. */
export function jsonOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
