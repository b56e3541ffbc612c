/** The only door to Fastify: what comes in is checked against the contract, what goes out too, and errors become problems. */
import { randomBytes } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2SecureServer } from 'node:http2'
import type { Duplex } from 'node:stream'
import cookie from '@fastify/cookie'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { bodyLimitOf, bodyLimits, type Endpoint } from '../../../contract/endpoint.ts'
import { operationName } from '../../../contract/index.ts'
import { guard, type Operation } from '../guard.ts'
import type { Logger } from '../logger.ts'
import { AddressRanges, parseAddressRange } from '../network/address-range.ts'
import { ForwardedWatcher } from '../network/caller-address.ts'
import type { Principal } from '../principal.ts'
import { Problem } from '../problem.ts'
import { type BodyBounds, BodyBudget } from './body-budget.ts'
import { BodyClock, type UploadPace } from './body-clock.ts'
import { hasLeft } from './client-left.ts'
import { type ConnectionBounds, ConnectionLimits } from './connection-limits.ts'
import { BodyReader } from './http-body.ts'
import { type Call, HttpCall } from './http-call.ts'
import { bodyFor } from './http-compress.ts'
import { HttpFront, type StreamCall } from './http-front.ts'
import { HttpHooks, principalOf, refuseWhileFull } from './http-hooks.ts'
import { fieldNames, leaveSecretsOut, parseInput } from './http-input.ts'
import type { HttpJudges } from './http-judges.ts'
import { MethodTable } from './http-methods.ts'
import { Cors } from './http-origin.ts'
import { outcomeOfStream } from './http-outcome.ts'
import { HttpPipelines } from './http-pipelines.ts'
import { answerProblem, isCutOff, noteFault, problemOfParser, rawProblem } from './http-problem.ts'
import { cutBody, TlsConnections, type TlsFiles, tlsOptions } from './http-tls.ts'
import { JsonText } from './json-text.ts'
import { noSchemas } from './no-schemas.ts'
import { responseWith } from './response-head.ts'
import { securityHeaders } from './security-headers.ts'
import { UnderWay } from './under-way.ts'
import { boundUnread, unreadMs } from './unread-answers.ts'

export interface HttpServerOptions extends HttpJudges {
  logger: Logger
  trustedProxies: readonly string[]
  tls?: TlsFiles | undefined
  connectionBounds?: ConnectionBounds
  bodyBounds?: BodyBounds
  /** Only a test is more impatient; milliseconds. */
  timeouts?: { requestTimeout: number; headersTimeout: number; connectionsCheckingInterval: number }
  uploadPace?: UploadPace
  /** Only a test is more impatient with an answer of which nothing is taken. */
  unreadMs?: number
}

export interface HttpServer {
  readonly fastify: FastifyInstance
  readonly options: HttpServerOptions
  /** Everything that is served, by whatever road; tests hold it against the contract. */
  readonly routes: { method: string; path: string; operation: Operation | undefined }[]
  /** While true, everything but health is answered with 503 `draining`. */
  isDraining: boolean
  readonly isHttps: boolean
  /** Of every response; over HTTP/1.1 those that Fastify sends have them by themselves. */
  readonly headers: Readonly<Record<string, string>>
  /** Answers requests for streams before the ordinary server gets to see them. */
  readonly front: HttpFront
  /** Where there is TLS. */
  readonly tlsConnections: TlsConnections | undefined
  /** Connections of which no further request is read: they became streams, or are closing. */
  readonly takenSockets: WeakSet<Duplex>
  readonly connectionLimits: ConnectionLimits
  /** As `HttpPipelines` has it. */
  turnOf(response: ServerResponse): true | Promise<boolean>
  /** Resolves when no request and no stream is under way, at once when that is so now. */
  whenIdle(): Promise<void>
  /** The server stops: what of bodies has not come by now is waited for no longer. */
  endBodies(): void
  /** Puts what changes something in the trail before its answer begins; for answers that are no ordinary ones. */
  record(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined
  /** As `HttpCall` has it. */
  checkAgain(request: FastifyRequest, accountId: string | undefined): Promise<void> | undefined
  /** From here on the body may take as long as it comes at the pace of uploads. Tells a sender that holds it back that it is wanted. */
  wantFile(request: FastifyRequest): void
  /** A stream has bounds of its own, so its connection does not count until it closes. */
  carry(request: FastifyRequest, stream: EventEmitter): void
  /** Answers what no route answers, and says whether it did: the page has addresses of its own. */
  serveFallback?: (request: FastifyRequest, reply: FastifyReply) => boolean
}

/** A head that is not whole after 60 s is cut, and a body 60 s after its head; how often Node looks is how late a head may be. */
const usualTimeouts = { requestTimeout: 60_000, headersTimeout: 60_000, connectionsCheckingInterval: 5_000 }
const boot = randomBytes(4).toString('hex')

export function createHttpServer(options: HttpServerOptions): HttpServer {
  let count = 0
  const underWay = new UnderWay()
  const nextRequestId = () => `${boot}-${(count++).toString(36)}`
  const timeouts = options.timeouts ?? usualTimeouts
  const headers = securityHeaders({ isHttps: options.origins.isHttps })
  const Response = boundUnread(responseWith(headers), options.unreadMs ?? unreadMs)
  // A request without a host is rejected by us.
  // Of Node, whole requests have no bound: `BodyClock` bounds their bodies.
  const { headersTimeout, connectionsCheckingInterval } = timeouts
  const heads = { requestTimeout: 0, headersTimeout, connectionsCheckingInterval }
  const parsing = { ...heads, requireHostHeader: false, ServerResponse: Response, Http1ServerResponse: Response }
  const server = fastify({
    ...(options.tls ? tlsOptions(options.tls, parsing) : { http: parsing }),
    logger: false,
    bodyLimit: bodyLimits.none,
    genReqId: nextRequestId,
    return503OnClosing: false,
    requestTimeout: 0,
    routerOptions: { maxParamLength: 1400 },
    schemaController: noSchemas,
    clientErrorHandler: (error, socket) => {
      const problem = problemOfParser(error)
      if (problem) pipelines.broken(socket, problem, () => rawProblem(socket, problem))
      else socket.destroy()
    },
    frameworkErrors: (error, request, reply) => {
      const refused = hooks.refuse(request as FastifyRequest, reply as FastifyReply, error)
      return answerProblem(options.logger, refused, request, reply as FastifyReply)
    },
  })
  const pipelines = new HttpPipelines()
  const cors = new Cors(options.origins)
  const around = {
    trustedProxies: new AddressRanges(options.trustedProxies.flatMap(text => parseAddressRange(text) ?? [])),
    logger: options.logger,
    now: Date.now,
  }
  const forwarded = new ForwardedWatcher(around)
  const connectionLimits = new ConnectionLimits({ ...around, bounds: options.connectionBounds })
  const front = new HttpFront({
    logger: options.logger,
    isHttps: options.origins.isHttps,
    headers: { ...headers, ...cors.always },
    isDraining: () => http.isDraining,
    nextRequestId,
    forwarded,
    trustedProxies: around.trustedProxies,
    hosts: options.origins.hosts,
    cors,
    authenticate: options.authenticate,
    stops: options.stops,
    shown: options.shown,
    underWay,
    mayAsk: address => options.limits?.mayAsk(address) ?? true,
    admits: (principal, address, limit) => options.limits?.admits(principal, address, limit) ?? true,
    observe: (stream, socket) => {
      connectionLimits.release(socket)
      const outcome = outcomeOfStream(stream)
      options.observe(outcome)
      void options.trail?.record(outcome)
    },
  })
  const tlsConnections = options.tls && new TlsConnections(options.unreadMs ?? unreadMs)
  // Behind TLS there are no plain bytes to read.
  if (tlsConnections) tlsConnections.watch(server.server as unknown as Http2SecureServer)
  else front.standBefore(server.server)
  const bareOf = ({ raw }: FastifyRequest) => tlsConnections?.bareOf(raw.socket) ?? raw.socket
  connectionLimits.watch(server.server)
  const clock = new BodyClock(timeouts.requestTimeout)
  server.server.prependListener('request', (request: IncomingMessage) => {
    clock.watch(request, () => cutBody(server.server, request))
  })
  const http: HttpServer = {
    fastify: server,
    front,
    tlsConnections,
    options,
    routes: [],
    isHttps: options.origins.isHttps,
    headers,
    takenSockets: pipelines.ended,
    connectionLimits,
    isDraining: false,
    whenIdle: () => underWay.whenIdle(),
    endBodies: () => bodies.end(),
    turnOf: response => pipelines.turnOf(response),
    record: (request, reply) => hooks.record(request, reply),
    checkAgain: (request, accountId) => hooks.checkAgain(request, accountId),
    wantFile: request => {
      clock.release(request.raw)
      bodies.want(request.raw)
    },
    carry: (request, stream) => connectionLimits.carry(bareOf(request), stream),
  }
  const methods = new MethodTable(http.routes)
  const bodies = new BodyReader(new BodyBudget(options.bodyBounds), request => pipelines.faultOf(request))
  const hooks = new HttpHooks({
    judges: options,
    headers,
    underWay,
    forwarded,
    trustedProxies: around.trustedProxies,
    isWaiting: request => bodies.isWaiting(request),
    mayBePage: ({ method }) => method === 'GET' || method === 'HEAD',
    pipelines,
    cors,
    methods,
    isDraining: () => http.isDraining,
    broken: (error, request, raw) => {
      if (!hasLeft(raw)) noteFault(options.logger, error, request)
    },
    admitted: request => connectionLimits.admitted(bareOf(request), request.caller?.principal),
  })
  server.addHook('onRoute', ({ method, url, config }) => {
    for (const each of [method].flat()) http.routes.push({ method: each, path: url, operation: config?.operation })
  })
  bodies.addTo(server)
  // For those that are set: who asks is read from the header, by the gate.
  server.register(cookie, { hook: false })
  hooks.addTo(server)
  server.setErrorHandler((error, request, reply) => {
    // The client went away before its request was whole: there is nobody to answer, and nothing was asked.
    if (isCutOff(error, request.raw)) {
      return void options.logger.debug({ request_id: request.id }, 'a request was cut off')
    }
    // As below: a reply that is returned is waited for.
    answerProblem(options.logger, error, request, reply, problem => hooks.challengeOf(request, problem))
  })
  server.setNotFoundHandler((request, reply) => {
    // A reply that is returned is waited for, by listeners on the response beside those of its sender: more than Node allows.
    if (http.serveFallback?.(request, reply)) return
    answerProblem(options.logger, methods.nothingAt(request), request, reply)
  })
  return http
}

/** Serves an endpoint of the contract. The answer is checked too, unless it is text already: what the contract does not name does not leave. */
export function handle<Params, Query, Body, Response>(
  http: HttpServer,
  endpoint: Endpoint<Params, Query, Body, Response>,
  handler: (call: Call<Params, Query, Body>) => Response | JsonText | Promise<Response | JsonText>,
): void {
  const name = operationName(endpoint)
  const mayRevoke = endpoint.isRevocation !== undefined
  const { scope, effect, callers } = endpoint
  const operation: Operation = { name, scope, effect, mayRevoke, ...(callers && { callers }) }
  const safe = leaveSecretsOut(endpoint)
  http.fastify.route({
    method: endpoint.method,
    url: toRoute(endpoint.path),
    exposeHeadRoute: endpoint.method === 'GET',
    bodyLimit: bodyLimitOf(endpoint),
    config: {
      operation,
      isCounted: !endpoint.uncounted,
      limit: endpoint.limit,
      lighter: endpoint.lighter,
      bodyShape: endpoint.bodyShape,
      mayTake: endpoint.stream === 'always',
    },
    // Without a promise where the service needs none: what is known already is answered in the turn in which it was asked.
    handler: (request, reply) => {
      const principal = principalOf(request)
      const input = parseInput(endpoint, request)
      request.safeInput = safe(input)
      admit(http, principal, operation, input)
      if (endpoint.isRevocation?.(input.body) === false) refuseWhileFull(http.options.trail)
      const call = new HttpCall(request, reply, input, http)
      if (endpoint.method === 'PATCH') call.note({ fields: fieldNames(input.body).join(', ') })
      const finish = (answer: Response | JsonText) => {
        const told = answer instanceof JsonText ? undefined : answer
        // A stream was told of before it began.
        if (reply.sent) return undefined
        const leave = () => {
          // What was done is done, and answered as such; what was only read has not left yet.
          const checking = endpoint.effect === 'read' ? call.checkAgain(accountOf(input.params)) : undefined
          return checking
            ? checking.then(() => bodyOf(endpoint, call, reply, answer))
            : bodyOf(endpoint, call, reply, answer)
        }
        const noting = http.options.shown?.(principal, operation, accountOf(input.params), told)
        return noting ? noting.then(leave) : leave()
      }
      const answer = handler(call)
      return answer instanceof Promise ? answer.then(finish) : finish(answer)
    },
  })
}

/** For Fastify to send. It is never given the reply itself, for which it would wait by listeners on the response. */
function bodyOf<Response>(
  endpoint: Endpoint<unknown, unknown, unknown, Response>,
  call: Call<unknown, unknown, unknown>,
  reply: FastifyReply,
  answer: Response | JsonText,
): string | Buffer | Promise<string | Buffer> {
  if (reply.statusCode === 200) reply.code(endpoint.status ?? 200)
  if (endpoint.status === 204) return ''
  const text = answer instanceof JsonText ? answer.text : checkedText(endpoint, answer)
  reply.header('cache-control', 'no-store').header('content-type', 'application/json; charset=utf-8')
  return bodyFor(call, reply, text)
}

function checkedText(endpoint: Endpoint, answer: unknown): string {
  const checked = endpoint.response.safeParse(answer)
  if (!checked.success) {
    const name = operationName(endpoint)
    throw new Error(`${name} answered what the contract does not allow: ${checked.error.message}`)
  }
  return JSON.stringify(checked.data)
}

/** Serves an endpoint that is an event stream: in front of the ordinary server where the request is an ordinary one. */
export function handleStream<Query>(
  http: HttpServer,
  endpoint: Endpoint<unknown, Query, unknown, unknown>,
  head: Record<string, string>,
  open: (call: StreamCall<Query>) => void,
): void {
  const operation: Operation = { name: operationName(endpoint), scope: endpoint.scope, effect: endpoint.effect }
  http.front.serve({ endpoint, operation, head, open: call => open(call as StreamCall<Query>) })
  const begin = (call: Call<unknown, Query, unknown>) => {
    const { principal, caller, query } = call
    open({ principal, caller, query, header: name => call.header(name), takeSocket: () => call.takeSocket(head) })
  }
  handle(http, endpoint, call => {
    if (call.method === 'HEAD') return void call.takeResponse().writeHead(200, head).end()
    const turn = call.turn()
    const noting = http.options.shown?.(call.principal, operation, undefined, undefined)
    if (turn === true && !noting) return begin(call)
    return Promise.all([turn, noting]).then(async ([isHere]) => {
      if (!isHere) throw new Problem('bad_request', 'The client went away.')
      // It waited: who asked may be nobody by now.
      await call.checkAgain()
      begin(call)
    })
  })
}

/** Serves something that is no endpoint of JSON: a file, a text, a frame. The gate is the same. */
export function handleRaw(
  http: HttpServer,
  path: string,
  operation: Operation,
  handler: (
    call: Call<Record<string, string>, Record<string, string>, undefined>,
    reply: FastifyReply,
  ) => Promise<unknown>,
): void {
  http.fastify.route({
    method: 'GET',
    url: toRoute(path),
    config: { operation, isCounted: false, limit: operation.limit },
    handler: async (request, reply) => {
      const input = {
        params: (request.params ?? {}) as Record<string, string>,
        query: (request.query ?? {}) as Record<string, string>,
        body: undefined,
      }
      const principal = principalOf(request)
      admit(http, principal, operation, input)
      await http.options.shown?.(principal, operation, input.params.account_id, undefined)
      return handler(new HttpCall(request, reply, input, http), reply)
    },
  })
}

/** @throws Problem for callers that may not, and for what a human stopped. */
function admit(
  { options: { stops } }: HttpServer,
  principal: Principal,
  operation: Operation,
  { params, query }: { params: unknown; query: unknown },
): void {
  const accountId = accountOf(params)
  guard(principal, operation, accountId, stops)
  if (accountId !== undefined || !stops) return
  // Services look whether the caller may see an account that the query names.
  const asked = accountOf(query)
  if (asked === undefined) stops.checkAll(principal, operation)
  else stops.check(principal, operation, asked)
}

function accountOf(params: unknown): string | undefined {
  const id = params && typeof params === 'object' && 'account_id' in params ? params.account_id : undefined
  return typeof id === 'string' ? id : undefined
}

function toRoute(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}
