/** A validated request, as passed to a handler, without any of Fastify's types. */
import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { GoodOutcome } from '../../../contract/audit.ts'
import { anonymous, type Caller, maxUserAgent, type Principal } from '../principal.ts'
import { Problem } from '../problem.ts'
import { cookieIn, sessionCookieName } from './http-credentials.ts'
import { isHttp2 } from './http-form.ts'
import { ignoreInput } from './http-pipelines.ts'
import { hasLeft, isCutShort, linesOf } from './http-response.ts'

export interface Call<Params, Query, Body> {
  principal: Principal
  caller: Caller
  params: Params
  query: Query
  body: Body
  requestId: string
  /** HEAD is served by the handler of GET. */
  method: string
  /** Aborts when the client disconnects. */
  readonly signal: AbortSignal
  header(name: string): string | undefined
  cookie(name: string): string | undefined
  /** The cookie as received, not yet checked against open sessions. */
  readonly sessionCookie: string | undefined
  /** Takes over the response from Fastify; the caller has to end it. */
  takeResponse(): ServerResponse
  /** Like `takeResponse`, after the audit trail has recorded what was changed, whatever becomes of the answer. */
  openResponse(): Promise<ServerResponse>
  /**
   * Records the change in the audit trail now, with the status to be answered, while a long answer is built. The answer
   * waits for it, and errors in the rest of the answer do not affect the record.
   */
  recordAs(status: number): void
  /**
   * Returns true if the connection may be taken over immediately; else a promise that resolves when earlier answers of
   * the connection are sent, after which the caller has to be authorized again. False if the client disconnected.
   */
  turn(): true | Promise<boolean>
  /** Like `StreamCall.takeSocket`, with the headers of this answer. */
  takeSocket(head: Record<string, string>): Duplex
  /**
   * Authorizes again before sending an answer that took long; undefined for one that did not.
   * @throws Problem if the principal was revoked meanwhile, or may see less than before
   */
  checkAgain(accountId?: string): Promise<void> | undefined
  setSessionCookie(value: string, maxAgeSeconds: number): void
  /** Attributes the request to a principal from now on: a user who signs in was anonymous before. */
  actAs(principal: Principal): void
  /** Adds references to the audit entry, besides the path parameters. No secrets. */
  note(refs: Record<string, string>): void
  /** Sets the outcome in the audit trail, where `ok` would be inaccurate. */
  setOutcome(outcome: GoodOutcome): void
  /** Overrides the endpoint's status, in rare cases. */
  setStatus(status: number): void
}

/** The parts of the server that a call needs. */
export interface HttpSurroundings {
  readonly isHttps: boolean
  readonly isDraining: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly takenSockets: WeakSet<Duplex>
  /** See `HttpPipelines.turnOf`. */
  turnOf(response: ServerResponse): true | Promise<boolean>
  record(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined
  checkAgain(request: FastifyRequest, accountId: string | undefined): Promise<void> | undefined
  /** Excludes the connection from the limits until the stream closes, since streams have bounds of their own. */
  carry(request: FastifyRequest, stream: EventEmitter): void
}

export class HttpCall<Params, Query, Body> implements Call<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly #http: HttpSurroundings
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  /** Shared, created lazily, since most answers need none. */
  #signal: AbortSignal | undefined

  constructor(
    request: FastifyRequest,
    reply: FastifyReply,
    input: { params: Params; query: Query; body: Body },
    http: HttpSurroundings,
  ) {
    this.#http = http
    this.#request = request
    this.#reply = reply
    this.params = input.params
    this.query = input.query
    this.body = input.body
  }

  get caller(): Caller {
    return this.#request.caller ?? callerOf(this.#request, anonymous)
  }

  get principal(): Principal {
    return this.caller.principal
  }

  get requestId(): string {
    return this.#request.id
  }

  get method(): string {
    return this.#request.method
  }

  get signal(): AbortSignal {
    this.#signal ??= signalOf(this.#reply.raw)
    return this.#signal
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name]
    return Array.isArray(value) ? value[0] : value
  }

  cookie(name: string): string | undefined {
    return cookieIn(this.#request.headers, name)
  }

  get sessionCookie(): string | undefined {
    return this.cookie(sessionCookieName(this.#http.isHttps))
  }

  takeResponse(): ServerResponse {
    const { raw } = this.#reply
    for (const [name, value] of Object.entries(this.#reply.getHeaders())) {
      if (value !== undefined) raw.setHeader(name, value)
    }
    if (this.#http.isDraining && !isHttp2(raw)) raw.setHeader('connection', 'close')
    this.#reply.hijack()
    return raw
  }

  async openResponse(): Promise<ServerResponse> {
    await this.#http.record(this.#request, this.#reply)
    return this.takeResponse()
  }

  recordAs(status: number): void {
    this.#reply.code(status)
    // The promise never rejects.
    void this.#http.record(this.#request, this.#reply)
  }

  turn(): true | Promise<boolean> {
    const { raw } = this.#reply
    return isHttp2(raw) ? true : this.#http.turnOf(raw)
  }

  takeSocket(head: Record<string, string>): Duplex {
    const { raw } = this.#reply
    // A connection that was closed already would never tell the stream.
    if (!isHttp2(raw) && (!raw.socket || raw.socket.destroyed)) throw new Problem('bad_request', 'Client disconnected.')
    const response = this.takeResponse()
    if ('stream' in response) {
      const stream = takeHttp2Stream(response as unknown as Http2ServerResponse, head)
      this.#http.carry(this.#request, stream)
      return stream
    }
    const { socket } = response
    if (!socket) throw new Error('the connection is gone, in the same turn')
    for (const [name, value] of Object.entries(head)) response.setHeader(name, value)
    const lines = linesOf({ ...this.#http.headers, ...response.getHeaders() })
    // From here on the connection belongs to the stream: later requests of the client on it are not answered.
    this.#http.takenSockets.add(socket)
    ignoreInput(socket)
    this.#http.carry(this.#request, socket)
    response.detachSocket(socket)
    response.emit('close')
    socket.removeAllListeners('timeout')
    socket.setTimeout(0)
    if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true)
    // Sends the head and the first events in one packet.
    socket.cork()
    socket.write(`HTTP/1.1 200 OK\r\n${lines}date: ${new Date().toUTCString()}\r\nconnection: close\r\n\r\n`)
    return socket
  }

  checkAgain(accountId?: string): Promise<void> | undefined {
    return this.#http.checkAgain(this.#request, accountId)
  }

  actAs(principal: Principal): void {
    this.#request.caller = callerOf(this.#request, principal)
  }

  note(refs: Record<string, string>): void {
    this.#request.notes = { ...this.#request.notes, ...refs }
  }

  setOutcome(outcome: GoodOutcome): void {
    this.#request.outcomeCode = outcome
  }

  setStatus(status: number): void {
    this.#reply.code(status)
  }

  setSessionCookie(value: string, maxAgeSeconds: number): void {
    this.#reply.setCookie(sessionCookieName(this.#http.isHttps), value, {
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: this.#http.isHttps,
      maxAge: maxAgeSeconds,
    })
  }
}

function signalOf(raw: ServerResponse): AbortSignal {
  const gone = new AbortController()
  // The client may have disconnected before the signal was first used.
  if (hasLeft(raw)) gone.abort()
  raw.once('close', () => {
    if (isCutShort(raw)) gone.abort()
  })
  return gone.signal
}

/** Takes over an HTTP/2 stream, which already is independent of the others on its connection. */
function takeHttp2Stream(response: Http2ServerResponse, head: Record<string, string>): Duplex {
  const { stream } = response
  if (stream.destroyed || stream.closed) throw new Problem('bad_request', 'Client disconnected.')
  stream.respond({ ...response.getHeaders(), ...head, ':status': 200 })
  response.emit('close')
  // Sends the head and the first events in one packet.
  stream.cork()
  return stream
}

export function callerOf(request: FastifyRequest, principal: Principal): Caller {
  return {
    principal,
    address: request.address,
    userAgent: (request.headers['user-agent'] ?? '').slice(0, maxUserAgent),
  }
}
