/** One checked request, as a handler gets it: nothing of Fastify shows. */
import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { anonymous, type Caller, type Principal } from './principal.ts'

export interface Call<Params, Query, Body> {
  principal: Principal
  caller: Caller
  params: Params
  query: Query
  body: Body
  requestId: string
  /** HEAD is served by the handler of GET. */
  method: string
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal
  header(name: string): string | undefined
  /** Takes the response out of Fastify's hands; the caller of this ends it. */
  takeResponse(): ServerResponse
  setSessionCookie(value: string, maxAgeSeconds: number): void
  /** For the rare answer whose status is not the endpoint's own. */
  setStatus(status: number): void
}

export class HttpCall<Params, Query, Body> implements Call<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly #isHttps: boolean
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply

  constructor(
    request: FastifyRequest,
    reply: FastifyReply,
    input: { params: Params; query: Query; body: Body },
    isHttps: boolean,
  ) {
    this.#isHttps = isHttps
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
    const gone = new AbortController()
    const { raw } = this.#reply
    raw.once('close', () => {
      if (!raw.writableFinished) gone.abort()
    })
    return gone.signal
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name]
    return Array.isArray(value) ? value[0] : value
  }

  takeResponse(): ServerResponse {
    const { raw } = this.#reply
    for (const [name, value] of Object.entries(this.#reply.getHeaders())) {
      if (value !== undefined) raw.setHeader(name, value)
    }
    this.#reply.hijack()
    return raw
  }

  setStatus(status: number): void {
    this.#reply.code(status)
  }

  setSessionCookie(value: string, maxAgeSeconds: number): void {
    this.#reply.setCookie(sessionCookieName(this.#isHttps), value, {
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure: this.#isHttps,
      maxAge: maxAgeSeconds,
    })
  }
}

/** `__Host-` binds the cookie to this host and to TLS, which a browser only takes over TLS. */
export function sessionCookieName(isHttps: boolean): string {
  return isHttps ? '__Host-rustymail_session' : 'rustymail_session'
}

export function callerOf(request: FastifyRequest, principal: Principal): Caller {
  return { principal, address: request.ip, userAgent: (request.headers['user-agent'] ?? '').slice(0, 300) }
}
