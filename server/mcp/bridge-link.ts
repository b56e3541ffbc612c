/**
 * The connection from a bridge to its server: sends messages over Streamable HTTP, retries what may be retried, and
 * explains errors.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { doubledMs } from '../platform/doubling.ts'

export interface LinkOptions {
  /** URL of the server's `/mcp`. */
  url: URL
  token: string
  /** Headers of every request. */
  headers: Record<string, string>
  fetch: typeof fetch
}

/** An error that is passed on to the client. */
export class BridgeError extends Error {
  readonly code: number
  readonly data: Record<string, unknown> | undefined

  constructor(message: string, data?: Record<string, unknown>, code = -32_000) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** All retries failed, and nothing was sent. */
export class Unreachable extends BridgeError {}

/** The connection broke before the response was complete. */
export class LinkBroken extends Error {}

/** How long an unreachable server is retried, as while it restarts. */
const patienceMs = 30_000
export const firstPauseMs = 250
export const longestPauseMs = 8_000
/** Error codes after which nothing was sent, so that everything can be retried. */
const unreached = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])
const metaOf = (message: Record<string, unknown>) => fieldOf(fieldOf(message, 'params'), '_meta')
const versionKey = 'io.modelcontextprotocol/protocolVersion'
/** Methods with a parameter that a header repeats (2026-07-28), by its name. */
const named: Record<string, string> = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' }

export class BridgeLink {
  readonly #options: LinkOptions
  /** Id of a session before 2026. */
  session: string | undefined
  revision: string | undefined

  constructor(options: LinkOptions) {
    this.#options = options
  }

  get url(): URL {
    return this.#options.url
  }

  /** @param isRepeatable Whether it is idempotent. @throws BridgeError, LinkBroken; and the reason of the signal. */
  async send(
    message: unknown,
    { signal, isRepeatable, headers }: { signal: AbortSignal; isRepeatable: boolean; headers?: Record<string, string> },
  ) {
    const until = performance.now() + patienceMs
    for (let turn = 0; ; turn++) {
      const response = await this.#post(message, signal, headers).catch((error: unknown) => {
        signal.throwIfAborted()
        const code = codeOf(error)
        if (performance.now() < until && (isRepeatable || unreached.has(code))) return undefined
        if (!unreached.has(code)) throw new LinkBroken(`The connection to RustyMail was lost (${code}).`)
        throw new Unreachable(`RustyMail cannot be reached at ${this.url.origin} (${code}). Is it running?`)
      })
      if (response?.status === 503 && performance.now() < until) await response.body?.cancel()
      else if (response) return response
      await pause(pauseMs(turn, response?.headers.get('retry-after')), undefined, { signal })
    }
  }

  /** @param path A path of the same server. */
  get(path: string, { signal, headers }: { signal: AbortSignal; headers: Record<string, string> }): Promise<Response> {
    const { url, token, headers: own, fetch: send } = this.#options
    const base = url.href.replace(/\/mcp$/, '')
    const all = { ...own, ...headers, authorization: `Bearer ${token}` }
    return send(base + path, { headers: all, signal, redirect: 'error' })
  }

  /** @param path A path of the same server. */
  change(path: string, method: 'POST' | 'DELETE', body: object | undefined, signal: AbortSignal): Promise<Response> {
    const { url, token, headers: own, fetch: send } = this.#options
    const headers = { ...own, authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
    const sent = { method, headers, signal, redirect: 'error', ...(body && { body: JSON.stringify(body) }) } as const
    return send(url.href.replace(/\/mcp$/, '') + path, sent)
  }

  #post(message: unknown, signal: AbortSignal, more?: Record<string, string>): Promise<Response> {
    const { url, token, headers: own, fetch: send } = this.#options
    const headers = new Headers({
      ...own,
      ...more,
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    })
    const meta = isObject(message) ? fieldOf(metaOf(message), versionKey) : undefined
    if (isObject(message) && typeof meta === 'string') {
      headers.set('mcp-protocol-version', meta)
      if (typeof message.method === 'string') {
        headers.set('mcp-method', message.method)
        const name = fieldOf(message.params, named[message.method] ?? '')
        if (typeof name === 'string') headers.set('mcp-name', headerText(name))
      }
    } else {
      if (this.revision !== undefined) headers.set('mcp-protocol-version', this.revision)
      if (this.session !== undefined) headers.set('mcp-session-id', this.session)
    }
    // The token is for this server only, so redirects are errors.
    return send(url, { method: 'POST', headers, body: JSON.stringify(message), signal, redirect: 'error' })
  }
}

/** Returns the back-off with jitter, or the pause that the server asked for. */
export function pauseMs(turn: number, retryAfter?: string | null): number {
  const seconds = Number(retryAfter ?? Number.NaN)
  if (seconds > 0) return Math.min(seconds * 1000, longestPauseMs)
  return (0.5 + Math.random() / 2) * doubledMs(turn, firstPauseMs, longestPauseMs)
}

/** Returns the protocol's own error in a refusal, else an error for the person who set this up. */
export async function refusalIn(response: Response): Promise<Record<string, unknown> | BridgeError> {
  const { status, headers } = response
  const body = parsed(await response.text().catch(() => ''))
  if (isObject(body) && body.jsonrpc === '2.0') return body
  const code = fieldOf(body, 'code')
  const detail = fieldOf(body, 'detail') ?? fieldOf(body, 'title')
  const said = typeof detail === 'string' ? detail : `The server answered ${status}.`
  const wait = headers.get('retry-after')
  return new BridgeError(wordsFor(status, said, code !== undefined), {
    status,
    ...(typeof code === 'string' && { code }),
    ...(wait && { retry_after_seconds: Number(wait) }),
  })
}

function wordsFor(status: number, said: string, isOurs: boolean): string {
  if (status === 401) {
    return `RustyMail does not accept the token in RUSTYMAIL_TOKEN: it is wrong, revoked, expired, or not valid from this address. Create one on the Tokens page. (${said})`
  }
  if (status === 404 && !isOurs) return 'There is no RustyMail at this address: set --url to the address of its page.'
  return said
}

/** Yields the messages of a response. @throws LinkBroken when it ends early. */
export async function* messagesIn(response: Response): AsyncGenerator<unknown> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    const text = await response.text().catch(() => {
      throw new LinkBroken('The connection to RustyMail was lost.')
    })
    const message = parsed(text)
    if (message !== undefined) yield message
    return
  }
  for await (const { data } of eventsIn(response)) if (data !== undefined) yield data
}

export interface StreamedEvent {
  event: string
  id: string | undefined
  /** Parsed JSON; undefined if invalid. */
  data: unknown
}

/** @throws LinkBroken when the connection is lost. */
export async function* eventsIn(response: Response): AsyncGenerator<StreamedEvent> {
  let text = ''
  const decoder = new TextDecoder()
  const reader = response.body!.getReader()
  try {
    for (;;) {
      const piece = await reader.read().catch(() => {
        throw new LinkBroken('The connection to RustyMail was lost.')
      })
      if (piece.done) return
      text += decoder.decode(piece.value, { stream: true })
      const events = text.split(/\r?\n\r?\n/)
      text = events.pop() ?? ''
      for (const event of events) {
        const lines = event.split(/\r?\n/)
        const all = (name: string) =>
          lines.flatMap(line => (line.startsWith(`${name}:`) ? [line.slice(name.length + 1).replace(/^ /, '')] : []))
        const data = all('data')
        if (data.length > 0)
          yield { event: all('event').at(-1) ?? '', id: all('id').at(-1), data: parsed(data.join('\n')) }
      }
    }
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function fieldOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Encodes a header value as revision 2026-07-28 requires: as base64 unless it is plain ASCII. */
function headerText(text: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text)) return text
  return `=?base64?${Buffer.from(text).toString('base64')}?=`
}

/** Returns the error code behind an error of `fetch`, which hides it in `cause`. */
export function codeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? code : 'no answer'
}
