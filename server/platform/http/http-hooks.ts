/** Hooks around each request's handler: address, authentication, authorization, rate limits and the audit trail. */
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { LimitName } from '../../../contract/endpoint.ts'
import { guard, type Operation } from '../guard.ts'
import { addressBehind, type ForwardedWatcher } from '../network/caller-address.ts'
import { anonymous, isMore, type Principal } from '../principal.ts'
import { badInput, Problem } from '../problem.ts'
import { hasBody, leaveUnread } from './body-arrival.ts'
import { callerOf } from './http-call.ts'
import { type Credentials, credentialsOf, inWorkSession } from './http-credentials.ts'
import { isHttp2, refusalOfForm } from './http-form.ts'
import type { HttpJudges } from './http-judges.ts'
import type { MethodTable } from './http-methods.ts'
import { type Cors, publicOriginOf, refuseForeignOrigin, refuseStrangeOrigin } from './http-origin.ts'
import { outcomeOf, type Trail } from './http-outcome.ts'
import type { HttpPipelines } from './http-pipelines.ts'
import { decorateRequests } from './http-request.ts'
import type { UnderWay } from './http-response.ts'
import { HttpTracing } from './http-tracing.ts'

export interface HttpHooksOptions {
  judges: HttpJudges
  /** Headers of every answer; set automatically on HTTP/1.1 responses. */
  headers: Readonly<Record<string, string>>
  underWay: UnderWay
  forwarded: ForwardedWatcher
  trustedProxies: { has(address: string): boolean }
  /** Whether the sender waits for `100 Continue`. */
  isWaiting(request: IncomingMessage): boolean
  /** Whether a GET that no route answers may be for the page. */
  mayBePage(request: FastifyRequest): boolean
  pipelines: HttpPipelines
  cors: Cors
  methods: MethodTable
  isDraining(): boolean
  /** Called with an error in the middle of an answer; the client only sees a truncated answer. */
  broken(error: unknown, request: FastifyRequest, raw: FastifyReply['raw']): void
  /** Called with each admitted request, before its body was received. */
  admitted(request: FastifyRequest): void
}

/** An answer that took longer is authorized again before it is sent, so that revocation is enforced within a second. */
const soonMs = 500

export class HttpHooks {
  readonly #options: HttpHooksOptions
  readonly #tracing: HttpTracing | undefined

  constructor(options: HttpHooksOptions) {
    this.#options = options
    const { tracer } = options.judges
    this.#tracing = tracer && new HttpTracing(tracer)
  }

  addTo(server: FastifyInstance): void {
    decorateRequests(server)
    // Hooks call back synchronously where possible, as for most requests: promises would cost 10 % of their time.
    server.addHook('onRequest', (request, reply, done) => {
      const isBegun = this.#enter(request, reply)
      if (isBegun === true) return done()
      // If the request is answered already, processing ends here.
      return isBegun || undefined
    })
    server.addHook('preHandler', (request, _reply, done) =>
      this.#goOn(request, this.#tracing?.within(request, done) ?? done),
    )
    server.addHook('onSend', (request, reply, payload, done) => {
      if (payload instanceof Readable) this.#watch(payload, request, reply)
      const recorded = this.record(request, reply)
      if (recorded) return recorded.then(() => this.#leave(request, reply))
      this.#leave(request, reply)
      return done()
    })
  }

  /**
   * Initializes every request, even one whose URL cannot be routed. Returns a problem for a malformed request, or a
   * host name that is not allowed.
   */
  meet(request: FastifyRequest, reply: FastifyReply): Problem | undefined {
    const { judges, headers, cors, forwarded, trustedProxies } = this.#options
    const peer = request.raw.socket.remoteAddress
    request.address = addressBehind({ peer, forwarded: request.headers['x-forwarded-for'], trusted: trustedProxies })
    request.began = performance.now()
    if (isHttp2(reply.raw)) reply.headers(headers)
    reply.headers(cors.always).header('x-request-id', request.id)
    const shared = cors.headersFor(request.headers)
    if (shared) reply.headers(shared)
    forwarded.notice(request.headers, peer)
    return refusalOfForm(request.raw) ?? judges.origins.hosts?.refusalOf(request.headers, request.raw.url)
  }

  /** Returns the error to answer for requests rejected by Fastify before routing and hooks. */
  refuse(request: FastifyRequest, reply: FastifyReply, error: Error): Error {
    const { judges } = this.#options
    const stranger = this.meet(request, reply)
    this.#leaveUnread(request, reply)
    try {
      judges.limits?.checkAddress(request.address)
      return stranger ?? error
    } catch (tooMany) {
      return tooMany as Error
    }
  }

  /** Records a change in the audit trail, once per request, before it is answered; reads are recorded afterwards. */
  record(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    if ((request.route?.operation?.effect ?? 'read') === 'read' || request.isRecorded) return request.recording
    const outcome = outcomeOf(request, reply)
    request.isRecorded = true
    request.recording = outcome && this.#options.judges.trail?.record(outcome)
    return request.recording
  }

  /**
   * Checks before sending an answer that took long that its caller may still get it.
   * @throws Problem if the caller was revoked meanwhile, or may see less than before
   */
  checkAgain(request: FastifyRequest, accountId: string | undefined): Promise<void> | undefined {
    if (!request.hasCredentials || performance.now() - request.began < soonMs) return undefined
    return this.#checkLate(request, accountId)
  }

  async #checkLate(request: FastifyRequest, accountId: string | undefined): Promise<void> {
    const before = principalOf(request)
    await this.#identify(request)
    const operation = request.route?.operation
    if (operation) guard(principalOf(request), operation, accountId, this.#options.judges.stops)
    if (isMore(before, principalOf(request))) {
      throw new Problem('forbidden', 'Your rights were narrowed during this request; try again.')
    }
  }

  challengeOf(request: FastifyRequest, problem: Problem): string | undefined {
    const { challenge, origins } = this.#options.judges
    if (!challenge || !request.route?.operation?.takesAccessTokens) return undefined
    const origin = publicOriginOf(request.headers, origins)
    return challenge({ problem, origin, principal: principalOf(request), hasCredentials: request.hasCredentials })
  }

  /** Runs `#begin` when it is the request's turn on its connection. */
  #enter(request: FastifyRequest, reply: FastifyReply): boolean | Promise<unknown> {
    const { config } = request.routeOptions
    request.route = config
    const mayTake = config.mayTake ?? false
    const isNext = isHttp2(reply.raw) || this.#options.pipelines.enter(request.raw, reply.raw, mayTake)
    // A request that takes the connection waits until the parser has released it.
    return isNext === true && !mayTake ? this.#begin(request, reply) : this.#beginLater(isNext, request, reply)
  }

  async #beginLater(
    isNext: boolean | Promise<boolean>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply | undefined> {
    if (!(await isNext)) return reply.hijack()
    return (await this.#begin(request, reply)) === false ? reply : undefined
  }

  /** Returns true to continue, false if the request is answered already; a promise while the caller is looked up. */
  #begin(request: FastifyRequest, reply: FastifyReply): boolean | Promise<void> {
    const { judges, underWay, cors } = this.#options
    const stranger = this.meet(request, reply)
    underWay.begin(reply.raw, () => this.#tell(request, reply))
    if (stranger) {
      judges.limits?.checkAddress(request.address)
      answerHost(stranger, request, reply)
      return false
    }
    // Not rate-limited: a preflight costs less than a rejection, which the page could not read.
    const preflight = cors.preflight(request.method, request.headers)
    if (preflight) {
      reply.code(204).headers(preflight).send()
      return false
    }
    const isHealth = request.url.startsWith('/health/')
    if (this.#options.isDraining() && !isHealth) {
      throw new Problem('draining', 'RustyMail is shutting down; try again in a moment.', { retryAfterSeconds: 5 })
    }
    const credentials = this.#credentialsOf(request)
    request.hasCredentials = credentials !== undefined
    // Applies to files and health checks, too: an unknown cookie or token costs a database query for any request.
    const isFree = isHealth && !credentials
    if (!isFree) judges.limits?.checkAddress(request.address)
    // Checked before the caller is looked up, and before the body is read.
    if (request.is404 && !this.#options.mayBePage(request)) throw this.#options.methods.nothingAt(request)
    if (isRead(request) && hasBody(request)) throw badInput('body', 'this endpoint takes no body')
    const looking = credentials && !request.is404 ? this.#identify(request, credentials) : undefined
    if (looking) return looking.then(() => this.#letIn(request, reply, credentials, isFree))
    this.#letIn(request, reply, credentials, isFree)
    return true
  }

  /** Authorizes and rate-limits the authenticated caller. @throws Problem */
  #letIn(request: FastifyRequest, reply: FastifyReply, credentials: Credentials | undefined, isFree: boolean): void {
    const { judges, admitted } = this.#options
    const { operation } = request.route ?? {}
    if (credentials?.token !== undefined && !request.caller && !request.is404) {
      const tooMany = judges.wrongCredentials?.note(request.address)
      if (tooMany && operation && operation.scope !== 'public') throw tooMany
    }
    if (operation) this.#admit(request, operation)
    if (operation && !isFree && judges.limits) {
      reply.headers(judges.limits.checkPrincipal(principalOf(request), request.address, limitOf(request)))
    }
    admitted(request)
    this.#tracing?.begin(request)
  }

  /**
   * Authenticates again after the body was received, which may take a minute, so that the handler gets the current
   * principal. If that is cached, the handler runs in the same turn, so that no change of rights is missed.
   */
  #goOn(request: FastifyRequest, done: (error?: Error) => void): void {
    // These have no body.
    if (!request.hasCredentials || isRead(request)) return done()
    const goOn = () => done(this.#refusalOf(request))
    const looking = this.#identify(request)
    if (looking) looking.then(goOn, done)
    else goOn()
  }

  #refusalOf(request: FastifyRequest): Error | undefined {
    const operation = request.route?.operation
    try {
      if (operation) this.#admit(request, operation)
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  /** Sets the caller to the current principal; synchronously, unless it has to be looked up. */
  #identify(request: FastifyRequest, credentials = this.#credentialsOf(request)): Promise<void> | undefined {
    const take = (principal: Principal | undefined) => {
      request.caller = principal && callerOf(request, inWorkSession(principal, request.headers))
    }
    const principal = credentials && this.#options.judges.authenticate(credentials)
    if (principal instanceof Promise) return principal.then(take)
    take(principal)
    return undefined
  }

  #credentialsOf(request: FastifyRequest): Credentials | undefined {
    const { judges, cors } = this.#options
    const { operation } = request.route ?? {}
    const isWithout = operation?.isForPrograms || cors.isForeign(request.headers)
    const headers = isWithout ? { ...request.headers, cookie: undefined } : request.headers
    const credentials = credentialsOf(headers, judges.origins.isHttps, request.address)
    if (!operation?.takesAccessTokens || !judges.accessTokens?.isOn) return credentials
    return credentials && { ...credentials, audience: publicOriginOf(request.headers, judges.origins) }
  }

  /** @throws Problem for unauthorized callers, cross-site sign-ins, and changes while the audit trail is full */
  #admit(request: FastifyRequest, operation: Operation): void {
    const { origins, trail, stops } = this.#options.judges
    const principal = principalOf(request)
    if (principal.kind === 'session') refuseForeignOrigin(request, origins)
    guard(principal, operation, undefined, stops)
    if (operation.isForPrograms) refuseStrangeOrigin(request.headers, origins)
    else if (operation.scope === 'public' && request.headers.origin !== undefined) refuseForeignOrigin(request, origins)
    if (operation.effect !== 'read' && !operation.mayRevoke) refuseWhileFull(trail)
  }

  /** Reports errors of a body stream after the head was sent, which Fastify ignores; earlier ones it answers. */
  #watch(body: Readable, request: FastifyRequest, { raw }: FastifyReply): void {
    body.once('error', error => {
      if (raw.headersSent && !raw.destroyed) this.#options.broken(error, request, raw)
    })
  }

  /** Sets final headers right before an answer is sent. */
  #leave(request: FastifyRequest, reply: FastifyReply): void {
    if (this.#options.isDraining()) reply.header('connection', 'close')
    this.#leaveUnread(request, reply)
  }

  #leaveUnread(request: FastifyRequest, reply: FastifyReply): void {
    const { isWaiting, pipelines } = this.#options
    leaveUnread(request, reply, { closing: pipelines.ended, isWaiting })
  }

  #tell(request: FastifyRequest, reply: FastifyReply): void {
    const { observe, trail } = this.#options.judges
    const outcome = outcomeOf(request, reply)
    const isAnswered = reply.sent || reply.raw.headersSent
    if (outcome) this.#tracing?.end(request, { outcome, isAnswered })
    // A client that disconnected before there was an answer received nothing.
    if (!outcome || !isAnswered) return
    observe(outcome)
    if (!request.isRecorded) void trail?.record(outcome)
  }
}

/** @throws Problem while the audit trail is full */
export function refuseWhileFull(trail: Trail | undefined): void {
  if (!trail?.isFull) return
  const detail = 'The audit trail cannot be written, so changes are rejected; see the server log.'
  throw new Problem('overloaded', detail, { retryAfterSeconds: 10 })
}

export function principalOf(request: FastifyRequest): Principal {
  return request.caller?.principal ?? anonymous
}

/** Answers in plain text to a browser, which displays it; throws the problem for other callers. */
function answerHost(problem: Problem, request: FastifyRequest, reply: FastifyReply): void {
  if (!isRead(request) || !request.headers.accept?.includes('text/html')) throw problem
  request.outcomeCode = problem.code
  reply.code(problem.status).header('cache-control', 'no-store').type('text/plain; charset=utf-8').send(problem.message)
}

function isRead({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** Picks the rate limit by the raw query: a value other than the lighter one gets the stricter limit. */
function limitOf({ route, query }: FastifyRequest): LimitName | undefined {
  const { limit, lighter } = route ?? {}
  const isLighter = lighter !== undefined && (query as Record<string, unknown>)[lighter.name] === lighter.value
  return isLighter ? lighter.limit : limit
}
