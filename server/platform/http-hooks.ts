/** What happens to each request before its handler and behind it: who asks, from where, may they, how often, and the trail of it. */
import type { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { LimitName } from '../../contract/endpoint.ts'
import type { ForwardedWatcher } from './forwarded-watcher.ts'
import { guard, type Operation } from './guard.ts'
import { callerOf } from './http-call.ts'
import { type Credentials, credentialsOf } from './http-credentials.ts'
import type { HttpLimits } from './http-limits.ts'
import { type Origins, refuseForeignOrigin } from './http-origin.ts'
import { outcomeOf, type RequestOutcome, type Trail } from './http-outcome.ts'
import { anonymous, type Caller, type Principal } from './principal.ts'
import { Problem } from './problem.ts'
import type { UnderWay } from './under-way.ts'

/** Who decides about requests, and who hears of them. */
export interface HttpJudges {
  authenticate(credentials: Credentials): Promise<Principal | undefined> | Principal | undefined
  /** Hears of each finished request; must not throw. */
  observe(outcome: RequestOutcome): void
  origins: Origins
  /** Without them, nobody is limited. */
  limits?: HttpLimits
  trail?: Trail
}

export interface HttpHooksOptions {
  judges: HttpJudges
  /** Of every answer. */
  headers: Record<string, string>
  underWay: UnderWay
  forwarded: ForwardedWatcher
  /** Connections that became streams. */
  takenSockets: WeakSet<Duplex>
  isDraining(): boolean
  /** Hears of each request whether it is known who asks. */
  asked(request: FastifyRequest, isKnown: boolean): void
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined
    /** Where it came from; still known when the connection is gone. */
    address: string
    /** When, by performance.now(). */
    began: number
    /** Of the problem that was answered. */
    problemCode: string | undefined
    /** What the handler wants to have in the trail; no secrets. */
    notes: Record<string, string> | undefined
    isRecorded: boolean
  }
  interface FastifyContextConfig {
    operation?: Operation
    isCounted?: boolean
    limit?: LimitName | undefined
  }
}

export class HttpHooks {
  readonly #options: HttpHooksOptions

  constructor(options: HttpHooksOptions) {
    this.#options = options
  }

  addTo(server: FastifyInstance): void {
    server.decorateRequest('caller', undefined)
    server.decorateRequest('address', '')
    server.decorateRequest('began', 0)
    server.decorateRequest('problemCode', undefined)
    server.decorateRequest('notes', undefined)
    server.decorateRequest('isRecorded', false)
    server.addHook('onRequest', (request, reply) => this.#begin(request, reply))
    server.addHook('onSend', (request, reply) => this.record(request, reply))
  }

  /** Once for each request: what changes something is in the trail before its answer leaves, what does not after it. */
  async record(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const outcome = outcomeOf(request, reply)
    if (!outcome || outcome.effect === 'read' || request.isRecorded) return
    request.isRecorded = true
    await this.#options.judges.trail?.record(outcome)
  }

  async #begin(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { judges, takenSockets, underWay, headers, forwarded, asked } = this.#options
    if (takenSockets.has(request.raw.socket)) {
      request.raw.socket.destroy()
      return reply.hijack()
    }
    request.address = request.ip
    request.began = performance.now()
    underWay.begin(reply.raw)
    // Comes for every response, also when the client went away in the middle.
    reply.raw.once('close', () => this.#tell(request, reply))
    reply.headers(headers).header('x-request-id', request.id)
    forwarded.notice(request.headers, request.raw.socket.remoteAddress)
    const isHealth = request.url.startsWith('/health/')
    if (this.#options.isDraining() && !isHealth) {
      if (request.raw.httpVersionMajor === 1) reply.header('connection', 'close')
      throw new Problem('draining', 'RustyMail is shutting down; try again in a moment.', { retryAfterSeconds: 5 })
    }
    const { operation, limit } = request.routeOptions.config
    const { limits, origins } = judges
    const credentials = credentialsOf(request.headers, origins.isHttps, request.address)
    // Files and health too: a cookie or token that is not known costs a look into the database, whatever is asked for.
    const isFree = isHealth && !credentials
    if (!isFree) limits?.checkAddress(request.address)
    if (credentials) await this.#authenticate(request, credentials)
    asked(request, request.caller !== undefined)
    if (operation) this.#admit(request, operation)
    if (operation && !isFree && limits) {
      reply.headers(limits.checkPrincipal(principalOf(request), request.address, limit))
    }
    return undefined
  }

  async #authenticate(request: FastifyRequest, credentials: Credentials): Promise<void> {
    const principal = await this.#options.judges.authenticate(credentials)
    if (!principal) return
    request.caller = callerOf(request, principal)
    if (principal.kind === 'session') refuseForeignOrigin(request, this.#options.judges.origins)
  }

  /** @throws Problem for who may not, for a foreign page that signs someone in, and while the trail can take no more. */
  #admit(request: FastifyRequest, operation: Operation): void {
    const { origins, trail } = this.#options.judges
    guard(principalOf(request), operation)
    if (operation.scope === 'public' && request.headers.origin !== undefined) refuseForeignOrigin(request, origins)
    if (operation.effect !== 'read' && trail?.isFull) {
      const detail = 'The audit trail cannot be written, so nothing may be changed; look at the log of the server.'
      throw new Problem('overloaded', detail, { retryAfterSeconds: 10 })
    }
  }

  #tell(request: FastifyRequest, reply: FastifyReply): void {
    const { observe, trail } = this.#options.judges
    const outcome = outcomeOf(request, reply)
    // Who left before there was an answer got nothing.
    if (!outcome || !(reply.sent || reply.raw.headersSent)) return
    observe(outcome)
    if (!request.isRecorded) void trail?.record(outcome)
  }
}

export function principalOf(request: FastifyRequest): Principal {
  return request.caller?.principal ?? anonymous
}
