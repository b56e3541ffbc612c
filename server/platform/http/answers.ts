/** Answers on their way out: counted while they are under way, their heads, whether their client left, and those of which nothing is taken. */
import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { isHttp2 } from './http-form.ts'

/** Counts the answers that are under way, so that a stop can wait for them. */
export class UnderWay {
  #count = 0
  /** Made for the first who waits: most of the time none does. */
  #idle: PromiseWithResolvers<void> | undefined

  /** @param over Called once, when the response is closed: that comes for each, also when the client went away in the middle. */
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

  /** For what has no response yet. It never rejects. */
  until(work: Promise<unknown>): void {
    this.#count++
    void work.then(() => this.#ended())
  }

  /** Resolves when none is under way, at once when that is so now. */
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

/** Also of one that is open. */
export function hasLeft(raw: ClosableResponse): boolean {
  const isClosed = isHttp2(raw) ? (raw as unknown as Http2ServerResponse).stream.closed : raw.closed
  return isClosed && isCutShort(raw)
}

/** Of one that is closed. Over HTTP/2, Node calls one that was broken off finished as well. */
export function isCutShort(raw: ClosableResponse): boolean {
  return isHttp2(raw) ? !raw.writableEnded : !raw.writableFinished
}

/** For so long nothing is taken: a person may pause a download. */
export const unreadMs = 120_000

type Bare = Omit<ServerResponse, 'write' | 'end'> & {
  write(...given: unknown[]): boolean
  end(...given: unknown[]): unknown
}

/**
 * For the option `ServerResponse` of a server. An answer of HTTP/1.1 of which its client takes nothing ends with its connection: else it holds
 * memory, and what it is read from, for as long as the client likes. What is taken slowly goes on.
 */
export function boundUnread(Base: typeof ServerResponse, ms: number): typeof ServerResponse {
  const watched = new WeakSet<object>()
  const watch = (response: Bare): void => {
    const { socket } = response
    // Behind another answer of its connection.
    if (socket === null) return void response.once('socket', () => watch(response))
    if (watched.has(response)) return
    watched.add(response)
    // Its clock knows each piece that leaves. Node cuts a connection whose time is over.
    socket.setTimeout(ms)
    const taken = () => {
      watched.delete(response)
      response.off('drain', taken).off('finish', taken)
      socket.setTimeout(0)
    }
    // Before Node sets it to what a connection without a request may wait.
    response.prependListener('drain', taken).prependListener('finish', taken)
  }
  class Response extends (Base as unknown as new () => Bare) {
    override write(...given: unknown[]): boolean {
      const isTaken = super.write(...given)
      if (!isTaken) watch(this)
      return isTaken
    }

    override end(...given: unknown[]): this {
      super.end(...given)
      if (!this.writableFinished) watch(this)
      return this
    }
  }
  return Response as unknown as typeof ServerResponse
}

/** As Node calls it, once for each head: with the status line, and the headers by name. */
interface HeadWriter {
  _storeHeader(statusLine: string, headers: unknown): void
}

type ResponseClass = new (request: IncomingMessage) => ServerResponse & HeadWriter

/**
 * For the option `ServerResponse` of a server: heads begin with the lines that every one has. They are the same text each time: to set, check and
 * join a dozen headers for each response costs a fifth of it.
 * @param headers By names in small letters; a response that has one of its own keeps that.
 */
export function responseWith(headers: Readonly<Record<string, string>>): typeof ServerResponse {
  const common = linesOf(headers)
  const names = new Set(Object.keys(headers))
  // An `import` of it would read each of its exports, of which WebSocket loads all of Node's fetch: 6 MiB.
  const Base = process.getBuiltinModule('node:http').ServerResponse as unknown as ResponseClass

  class Response extends Base {
    override _storeHeader(statusLine: string, own: Record<string, unknown> | undefined): void {
      super._storeHeader(statusLine + (hasOneOf(names, own) ? linesOf(without(headers, own)) : common), own)
    }
  }
  return Response as unknown as typeof ServerResponse
}

export function linesOf(headers: Readonly<Record<string, unknown>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
}

function hasOneOf(
  names: ReadonlySet<string>,
  own: Record<string, unknown> | undefined,
): own is Record<string, unknown> {
  for (const name in own) if (names.has(name)) return true
  return false
}

function without(headers: Readonly<Record<string, string>>, own: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !(name in own)))
}
