/** The only door to Fastify: what comes in is checked against the contract, what goes out too, and errors become problems. */
import { randomBytes } from 'node:crypto'
import type { Http2SecureServer } from 'node:http2'
import type { Duplex } from 'node:stream'
import cookie from '@fastify/cookie'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Endpoint, LimitName } from '../../contract/endpoint.ts'
import { operationName } from '../../contract/index.ts'
import { guard, type Operation } from './guard.ts'
import { type Call, callerOf, HttpCall } from './http-call.ts'
import { sendText } from './http-compress.ts'
import { type Credentials, credentialsOf } from './http-credentials.ts'
import { HttpFront, type StreamCall } from './http-front.ts'
import { parseInput } from './http-input.ts'
import type { HttpLimits } from './http-limits.ts'
import { type Origins, refuseForeignOrigin } from './http-origin.ts'
import { outcomeOf, outcomeOfStream, type RequestOutcome, type Trail } from './http-outcome.ts'
import { answerProblem, rawProblem } from './http-problem.ts'
import { TlsConnections, type TlsFiles, tlsOptions } from './http-tls.ts'
import type { Logger } from './logger.ts'
import { anonymous, type Caller, type Principal } from './principal.ts'
import { Problem } from './problem.ts'
import { securityHeaders } from './security-headers.ts'
import { UnderWay } from './under-way.ts'

export interface HttpServerOptions {
  logger: Logger
  authenticate(credentials: Credentials): Promise<Principal | undefined> | Principal | undefined
  /** Hears of each finished request; must not throw. */
  observe(outcome: RequestOutcome): void
  origins: Origins
  trustedProxies: readonly string[]
  tls?: TlsFiles | undefined
  /** Without them, nobody is limited. */
  limits?: HttpLimits
  trail?: Trail
}

export interface HttpServer {
  readonly fastify: FastifyInstance
  readonly options: HttpServerOptions
  /** Everything that is served, by whatever road; tests hold it against the contract. */
  readonly routes: { method: string; path: string; operation: Operation | undefined }[]
  /** While true, everything but health is answered with 503 `draining`. */
  isDraining: boolean
  readonly isHttps: boolean
  /** Answers requests for streams before the ordinary server gets to see them. */
  readonly front: HttpFront
  /** Where there is TLS. */
  readonly tlsConnections: TlsConnections | undefined
  /** Connections that became streams; no further request is read from them. */
  readonly takenSockets: WeakSet<Duplex>
  /** Resolves when no request and no stream is under way, at once when that is so now. */
  whenIdle(): Promise<void>
  /** Answers what no route answers, and says whether it did: the page has addresses of its own. */
  serveFallback?: (request: FastifyRequest, reply: FastifyReply) => boolean
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

const bodyLimitBytes = 1024 * 1024
const boot = randomBytes(4).toString('hex')

export function createHttpServer(options: HttpServerOptions): HttpServer {
  let count = 0
  const underWay = new UnderWay()
  const nextRequestId = () => `${boot}-${(count++).toString(36)}`
  const server = fastify({
    ...(options.tls ? tlsOptions(options.tls) : {}),
    logger: false,
    bodyLimit: bodyLimitBytes,
    trustProxy: options.trustedProxies.length > 0 ? [...options.trustedProxies] : false,
    genReqId: nextRequestId,
    return503OnClosing: false,
    requestTimeout: 60_000,
    routerOptions: { maxParamLength: 1400 },
    clientErrorHandler: (_error, socket) => rawProblem(socket),
    frameworkErrors: (error, request, reply) => answerProblem(options.logger, error, request, reply as FastifyReply),
  })
  const headers = securityHeaders({ isHttps: options.origins.isHttps })
  const front = new HttpFront({
    logger: options.logger,
    isHttps: options.origins.isHttps,
    headers,
    isDraining: () => http.isDraining,
    nextRequestId,
    authenticate: options.authenticate,
    admits: (principal, address, limit) => options.limits?.admits(principal, address, limit) ?? true,
    observe: stream => {
      const outcome = outcomeOfStream(stream)
      options.observe(outcome)
      void options.trail?.record(outcome)
    },
  })
  const tlsConnections = options.tls && new TlsConnections()
  // Behind TLS there are no plain bytes to read.
  if (tlsConnections) tlsConnections.watch(server.server as unknown as Http2SecureServer)
  else front.standBefore(server.server)
  const http: HttpServer = {
    fastify: server,
    front,
    tlsConnections,
    options,
    routes: [],
    isHttps: options.origins.isHttps,
    takenSockets: new WeakSet(),
    isDraining: false,
    whenIdle: () => underWay.whenIdle(),
  }
  server.addHook('onRoute', ({ method, url, config }) => {
    for (const each of [method].flat()) http.routes.push({ method: each, path: url, operation: config?.operation })
  })
  server.removeContentTypeParser('text/plain')
  server.decorateRequest('caller', undefined)
  server.decorateRequest('address', '')
  server.decorateRequest('began', 0)
  server.decorateRequest('problemCode', undefined)
  server.decorateRequest('notes', undefined)
  server.decorateRequest('isRecorded', false)
  server.register(cookie)
  const tell = (request: FastifyRequest, reply: FastifyReply) => {
    const outcome = outcomeOf(request, reply)
    // Who left before there was an answer got nothing.
    if (!outcome || !(reply.sent || reply.raw.headersSent)) return
    options.observe(outcome)
    if (!request.isRecorded) void options.trail?.record(outcome)
  }
  server.addHook('onRequest', async (request, reply) => {
    if (http.takenSockets.has(request.raw.socket)) {
      request.raw.socket.destroy()
      return reply.hijack()
    }
    request.address = request.ip
    request.began = performance.now()
    underWay.begin(reply.raw)
    // Comes for every response, also when the client went away in the middle.
    reply.raw.once('close', () => tell(request, reply))
    reply.headers(headers).header('x-request-id', request.id)
    if (http.isDraining && !request.url.startsWith('/health/')) {
      if (request.raw.httpVersionMajor === 1) reply.header('connection', 'close')
      throw new Problem('draining', 'RustyMail is shutting down; try again in a moment.', { retryAfterSeconds: 5 })
    }
    const { operation, limit } = request.routeOptions.config
    const isHealth = request.url.startsWith('/health/')
    // Files too: a cookie or token that is not known costs a look into the database, whatever is asked for.
    if (!isHealth) options.limits?.checkAddress(request.address)
    await authenticate(http, request)
    if (operation) admit(http, request, operation)
    if (operation && !isHealth && options.limits) {
      reply.headers(options.limits.checkPrincipal(principalOf(request), request.address, limit))
    }
  })
  // What changes something is in the trail before its answer leaves.
  server.addHook('onSend', async (request, reply) => {
    const outcome = outcomeOf(request, reply)
    if (!outcome || outcome.effect === 'read') return
    request.isRecorded = true
    await options.trail?.record(outcome)
  })
  server.setErrorHandler((error, request, reply) => answerProblem(options.logger, error, request, reply))
  server.setNotFoundHandler((request, reply) => {
    if (http.serveFallback?.(request, reply)) return reply
    const problem = new Problem('not_found', `There is nothing at ${request.method} ${pathOf(request)}.`)
    return answerProblem(options.logger, problem, request, reply)
  })
  return http
}

/** Serves an endpoint of the contract. The answer is checked too: what the contract does not name does not leave. */
export function handle<Params, Query, Body, Response>(
  http: HttpServer,
  endpoint: Endpoint<Params, Query, Body, Response>,
  handler: (call: Call<Params, Query, Body>) => Response | Promise<Response>,
): void {
  const name = operationName(endpoint)
  const operation: Operation = { name, scope: endpoint.scope, effect: endpoint.effect }
  http.fastify.route({
    method: endpoint.method,
    url: toRoute(endpoint.path),
    exposeHeadRoute: endpoint.method === 'GET',
    config: { operation, isCounted: !endpoint.uncounted, limit: endpoint.limit },
    handler: async (request, reply) => {
      const principal = principalOf(request)
      const input = parseInput(endpoint, request)
      guard(principal, operation, accountOf(input.params))
      const call = new HttpCall(request, reply, input, http)
      const answer = await handler(call)
      if (reply.sent) return reply
      if (reply.statusCode === 200) reply.code(endpoint.status ?? 200)
      if (endpoint.status === 204) return reply.send()
      const checked = endpoint.response.safeParse(answer)
      if (!checked.success)
        throw new Error(`${name} answered what the contract does not allow: ${checked.error.message}`)
      reply.header('cache-control', 'no-store').type('application/json; charset=utf-8')
      return sendText(call, reply, JSON.stringify(checked.data))
    },
  })
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
  handle(http, endpoint, call => {
    const { principal, caller, query } = call
    if (call.method === 'HEAD') call.takeResponse().writeHead(200, head).end()
    else open({ principal, caller, query, header: name => call.header(name), takeSocket: () => call.takeSocket(head) })
    return undefined
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
      guard(principalOf(request), operation, input.params.account_id)
      return handler(new HttpCall(request, reply, input, http), reply)
    },
  })
}

async function authenticate(http: HttpServer, request: FastifyRequest): Promise<void> {
  const credentials = credentialsOf(request.headers, http.options.origins.isHttps, request.address)
  if (!credentials) return
  const principal = await http.options.authenticate(credentials)
  if (!principal) return
  request.caller = callerOf(request, principal)
  if (principal.kind === 'session') refuseForeignOrigin(request, http.options.origins)
}

/** @throws Problem for who may not, for a foreign page that signs someone in, and while the trail can take no more. */
function admit(http: HttpServer, request: FastifyRequest, operation: Operation): void {
  guard(principalOf(request), operation)
  if (operation.scope === 'public' && request.headers.origin !== undefined) {
    refuseForeignOrigin(request, http.options.origins)
  }
  if (operation.effect !== 'read' && http.options.trail?.isFull) {
    const detail = 'The audit trail cannot be written, so nothing may be changed; look at the log of the server.'
    throw new Problem('overloaded', detail, { retryAfterSeconds: 10 })
  }
}

function principalOf(request: FastifyRequest): Principal {
  return request.caller?.principal ?? anonymous
}

function accountOf(params: unknown): string | undefined {
  const id = params && typeof params === 'object' && 'account_id' in params ? params.account_id : undefined
  return typeof id === 'string' ? id : undefined
}

function pathOf(request: FastifyRequest): string {
  return (request.url.split('?')[0] ?? '').slice(0, 200)
}

function toRoute(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}
