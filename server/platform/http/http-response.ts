/** Responses from head to end: constant headers, clients that do not read them, and those in progress. */
import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { isHttp2 } from './http-form.ts'

/** Node's internal method that writes a head, called once with the status line and the headers by name. */
interface HeadWriter {
  _storeHeader(statusLine: string, headers: unknown): void
}

/**
 * Headers of nearly every answer, whose values only come from this program. Node validates each header and checks for
 * effects on framing, which is unnecessary for these.
 */
const known: Readonly<Record<string, string | true>> = {
  'cache-control': 'no-store',
  'content-type': 'application/json; charset=utf-8',
  ratelimit: true,
  'ratelimit-policy': true,
  'x-request-id': true,
}

type ResponseClass = new (request: IncomingMessage) => ServerResponse & HeadWriter

/**
 * Returns a class for a server's `ServerResponse` option, whose HTTP/1.1 heads begin with constant header lines,
 * serialized once: setting, validating and joining a dozen headers per response takes a fifth of its time.
 * @param headers By lower-case names; a response's own headers take precedence.
 */
export function responseWith(headers: Readonly<Record<string, string>>): typeof ServerResponse {
  const common = linesOf(headers)
  const names = new Set(Object.keys(headers))
  // An `import` would evaluate all exports, of which WebSocket loads Node's fetch: 6 MiB.
  const Base = process.getBuiltinModule('node:http').ServerResponse as unknown as ResponseClass

  class Response extends Base {
    override _storeHeader(statusLine: string, own: Record<string, unknown> | undefined): void {
      let lines = ''
      let others: Record<string, unknown> = {}
      for (const name in own) {
        const value = own[name]
        // Headers set individually are arrays here, and are left to Node.
        if (typeof value === 'string' && isKnown(name, value)) lines += `${name}: ${value}\r\n`
        else others[name] = value
      }
      if (lines === '' && own) others = own
      const first = hasOneOf(names, others) ? linesOf(without(headers, others)) : common
      super._storeHeader(statusLine + first + lines, own && others)
    }
  }
  return Response as unknown as typeof ServerResponse
}

export function linesOf(headers: Readonly<Record<string, unknown>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
}

function isKnown(name: string, value: string): boolean {
  const wanted = known[name]
  return wanted === true || wanted === value
}

function hasOneOf(names: ReadonlySet<string>, own: Record<string, unknown>): boolean {
  for (const name in own) if (names.has(name)) return true
  return false
}

function without(headers: Readonly<Record<string, string>>, own: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !(name in own)))
}

/** Timeout without progress; long, since a person may pause a download. */
export const unreadMs = 120_000

type Bare = Omit<ServerResponse, 'write' | 'end'> & {
  write(...given: unknown[]): boolean
  end(...given: unknown[]): unknown
}

/**
 * Returns a class that closes HTTP/1.1 connections whose client stops reading an answer, which otherwise would hold
 * memory and the answer's source indefinitely. Slow readers are not affected.
 */
export function boundUnread(Base: typeof ServerResponse, ms: number): typeof ServerResponse {
  const watched = new WeakSet<object>()
  const watch = (response: Bare): void => {
    const { socket } = response
    // Queued after another answer of its connection.
    if (socket === null) return void response.once('socket', () => watch(response))
    if (watched.has(response)) return
    watched.add(response)
    // The socket's timeout restarts with each chunk sent; Node destroys a connection that times out.
    socket.setTimeout(ms)
    const taken = () => {
      watched.delete(response)
      response.off('drain', taken).off('finish', taken)
      socket.setTimeout(0)
    }
    // Prepended, to reset the timeout before Node sets its keep-alive timeout.
    response.prependListener('drain', taken).prependListener('finish', taken)
  }
  class Response extends (Base as unknown as new () => Bare) {
    override write(chunk: unknown, encoding?: unknown, done?: unknown): boolean {
      const isTaken = super.write(chunk, encoding, done)
      if (!isTaken) watch(this)
      return isTaken
    }

    override end(chunk?: unknown, encoding?: unknown, done?: unknown): this {
      super.end(chunk, encoding, done)
      if (!this.writableFinished) watch(this)
      return this
    }
  }
  return Response as unknown as typeof ServerResponse
}

/** Counts answers in progress, so that a stop can wait for them. */
export class UnderWay {
  #count = 0
  /** Created lazily for the first waiter. */
  #idle: PromiseWithResolvers<void> | undefined

  /** Counts a response. @param over Called once when it is closed, even if the client disconnected in the middle. */
  begin(response: ServerResponse, over: () => void): void {
    this.#count++
    // An event stream over HTTP/2 outlives what Node calls its response.
    const stream = 'stream' in response ? (response.stream as EventEmitter) : undefined
    stream?.once('close', () => this.#ended())
    response.once('close', () => {
      if (!stream) this.#ended()
      over()
    })
  }

  /** Counts work without a response until it resolves. @param work Must never reject. */
  until(work: Promise<unknown>): void {
    this.#count++
    void work.then(() => this.#ended())
  }

  /** Resolves when nothing is in progress, immediately if that is already the case. */
  whenIdle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers()
    return this.#idle.promise
  }

  #ended(): void {
    this.#count--
    if (this.#count > 0) return
    this.#idle?.resolve()
    this.#idle = undefined
  }
}

export interface ClosableResponse {
  readonly closed: boolean
  readonly writableEnded: boolean
  readonly writableFinished: boolean
}

/** Whether the client disconnected before the end of the answer; false while the response is open. */
export function hasLeft(raw: ClosableResponse): boolean {
  const isClosed = isHttp2(raw) ? (raw as unknown as Http2ServerResponse).stream.closed : raw.closed
  return isClosed && isCutShort(raw)
}

/** Whether a closed response was truncated. Over HTTP/2, Node reports truncated ones as finished, too. */
export function isCutShort(raw: ClosableResponse): boolean {
  return isHttp2(raw) ? !raw.writableEnded : !raw.writableFinished
}
