/** Sends requests to one server with one token, and retries those that were throttled and are safe to repeat. */
import type { FileContent } from './files.ts'
import { noAnswer, problemOf } from './problem-error.ts'

export interface ClientOptions {
  /** Base URL of RustyMail: `https://mail.example.com`, with a path if a proxy serves it below one. */
  url: string | URL
  /** An API token. It is sent only in a header, only to this address, and never in the URL. */
  token: string
  /**
   * Your name for this run, 1–64 visible ASCII characters. It is stored with each change, so that a run can be undone
   * as a whole.
   */
  session?: string
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch
  /** Maximum retries of a call that was refused with 429 or 503 and `Retry-After`. Default: 3. */
  retries?: number
  /** The longest `Retry-After` that is waited for, in seconds; a longer one is thrown as an error. Default: 60. */
  longestWait?: number
}

export interface Sent {
  method: string
  path: string
  headers?: Record<string, string>
  body?: FileContent
  signal?: AbortSignal | undefined
  /** Whether the request is idempotent and may be retried. */
  isRepeatable: boolean
  /** Statuses other than 2xx that are returned instead of thrown. */
  accepts?: readonly number[]
}

export class Connection {
  readonly #base: string
  readonly #token: string
  readonly #session: Record<string, string>
  readonly #fetch: typeof fetch
  readonly #retries: number
  readonly #longestWait: number

  constructor({ url, token, session, fetch: own, retries = 3, longestWait = 60 }: ClientOptions) {
    const { origin, pathname, protocol } = new URL(url)
    if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError(`not an http(s) URL: ${url}`)
    this.#base = origin + pathname.replace(/\/+$/, '')
    this.#token = token
    this.#session = session === undefined ? {} : { 'rustymail-session': session }
    // The global `fetch` is looked up at each call, so that it can be replaced, and must not be called as a method.
    this.#fetch = own ?? ((...args) => fetch(...args))
    this.#retries = retries
    this.#longestWait = longestWait
  }

  async send(sent: Sent): Promise<Response> {
    for (let retries = this.#retries; ; retries--) {
      const response = await this.#once(sent)
      if (response.ok || sent.accepts?.includes(response.status)) return response
      const problem = await problemOf(response)
      const { retryAfter = Number.POSITIVE_INFINITY, status } = problem
      const isForNow = (status === 429 || status === 503) && retryAfter <= this.#longestWait
      if (!isForNow || !sent.isRepeatable || retries <= 0) throw problem
      await pause(retryAfter * 1000, sent.signal)
    }
  }

  async #once({ method, path, headers, body, signal }: Sent): Promise<Response> {
    const send = this.#fetch
    try {
      return await send(this.#base + path, {
        method,
        headers: { accept: 'application/json', ...headers, ...this.#session, authorization: `Bearer ${this.#token}` },
        // The token authenticates the call; cookies of the page must not be sent.
        credentials: 'omit',
        ...(body === undefined ? {} : { body }),
        // `fetch` requires `duplex: 'half'` when the request body is a stream.
        ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
        ...(signal ? { signal } : {}),
      })
    } catch (cause) {
      if (signal?.aborted) throw signal.reason
      throw noAnswer(cause)
    }
  }
}

/** Resolves after `ms`, or rejects with the signal's reason as soon as it is aborted. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
