/** One server and one token: sends requests, and repeats those that were refused for a time and may be repeated. */
import type { FileContent } from './files.ts'
import { noAnswer, problemOf } from './problem-error.ts'

export interface ClientOptions {
  /** Where RustyMail is: `https://mail.example.com`, with a path if a proxy serves it below one. */
  url: string | URL
  /** An API token. It is sent in a header to this address only, never in the URL. */
  token: string
  /** Your own name for this run, 1–64 visible ASCII characters: what is done is stored with it, and can be undone by it. */
  session?: string
  /** In place of the global `fetch`. */
  fetch?: typeof fetch
  /** How often a call that was refused with 429 or 503 and `Retry-After` is repeated, at most. Default: 3. */
  retries?: number
  /** The longest single wait before that, in seconds; a longer one is thrown. Default: 60. */
  longestWait?: number
}

export interface Sent {
  method: string
  path: string
  headers?: Record<string, string>
  body?: FileContent
  signal?: AbortSignal | undefined
  /** Doing it twice is the same as doing it once. */
  isRepeatable: boolean
  /** Other statuses than these and success are thrown. */
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
    if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError(`not an address of a server: ${url}`)
    this.#base = origin + pathname.replace(/\/+$/, '')
    this.#token = token
    this.#session = session === undefined ? {} : { 'rustymail-session': session }
    // The global one is looked up at each call, and must not be called as a method.
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
        // The token says who calls; a cookie of the page must not.
        credentials: 'omit',
        ...(body === undefined ? {} : { body }),
        // Of a stream `fetch` wants to hear that the answer comes behind it.
        ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
        ...(signal ? { signal } : {}),
      })
    } catch (cause) {
      if (signal?.aborted) throw signal.reason
      throw noAnswer(cause)
    }
  }
}

/** Ends early, with the reason, when the signal is aborted. */
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
