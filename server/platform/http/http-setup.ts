/**
 * The only module that sets up Fastify: creates the server, with the gate before every route, and errors as problems.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Http2SecureServer } from 'node:http2'
import cookie from '@fastify/cookie'
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { bodyLimits } from '../../../contract/endpoint.ts'
import { AddressRanges, parseAddressRange } from '../network/address-range.ts'
import { ForwardedWatcher } from '../network/caller-address.ts'
import { BodyClock } from './body-arrival.ts'
import { BodyBudget } from './body-bounds.ts'
import { ConnectionLimits } from './connection-limits.ts'
import { BodyReader } from './http-body.ts'
import { HttpFront } from './http-front.ts'
import { HttpHooks } from './http-hooks.ts'
import { MethodTable } from './http-methods.ts'
import { Cors } from './http-origin.ts'
import { outcomeOfStream } from './http-outcome.ts'
import { HttpPipelines } from './http-pipelines.ts'
import { answerProblem, isCutOff, noteFault, problemOfParser, rawProblem } from './http-problem.ts'
import { boundUnread, hasLeft, responseWith, UnderWay, unreadMs } from './http-response.ts'
import type { HttpServer, HttpServerOptions } from './http-server.ts'
import { cutBody, TlsConnections, tlsOptions } from './http-tls.ts'
import { BodyFault } from './json-fault.ts'
import { noSchemas } from './no-schemas.ts'
import { securityHeaders } from './security-headers.ts'

/** Timeouts of 60 s for a head, and for a body after its head; Node checks heads only at the given interval. */
const usualTimeouts = { requestTimeout: 60_000, headersTimeout: 60_000, connectionsCheckingInterval: 5_000 }
const boot = randomBytes(4).toString('hex')

export function createHttpServer(options: HttpServerOptions): HttpServer {
  let count = 0
  const underWay = new UnderWay()
  const nextRequestId = () => `${boot}-${(count++).toString(36)}`
  const timeouts = options.timeouts ?? usualTimeouts
  const headers = securityHeaders({ isHttps: options.origins.isHttps })
  const Response = boundUnread(responseWith(headers), options.unreadMs ?? unreadMs)
  // `refusalOfForm` rejects a request without a host.
  // Node's timeout for whole requests is off: `BodyClock` bounds their bodies.
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
      const fault = error.code === 'FST_ERR_MAX_PARAM_LENGTH' ? methods.nothingAt(request) : error
      const refused = hooks.refuse(request as FastifyRequest, reply as FastifyReply, fault)
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
    mayRequest: address => options.limits?.mayRequest(address) ?? true,
    mayCall: (principal, address, limit) => options.limits?.mayCall(principal, address, limit) ?? true,
    count: (principal, address, limit) => {
      options.limits?.checkAddress(address)
      options.limits?.checkPrincipal(principal, address, limit)
    },
    observe: (stream, socket) => {
      connectionLimits.release(socket)
      const outcome = outcomeOfStream(stream)
      options.observe(outcome)
      void options.trail?.record(outcome)
    },
  })
  const tlsConnections = options.tls && new TlsConnections(options.unreadMs ?? unreadMs)
  // With TLS, there are no plain bytes for `HttpFront` to read.
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
  // For setting cookies only: the gate reads them from the header itself.
  server.register(cookie, { hook: false })
  hooks.addTo(server)
  server.setErrorHandler((error, request, reply) => {
    // The client disconnected before its request was complete, so there is nothing to answer.
    if (isCutOff(error, request.raw)) {
      return void options.logger.debug({ request_id: request.id }, 'a request was cut off')
    }
    const text = error instanceof BodyFault ? request.route?.faultText?.(error) : undefined
    if (text !== undefined) {
      noteFault(options.logger, error, request)
      return void reply.code(400).type('application/json; charset=utf-8').header('cache-control', 'no-store').send(text)
    }
    // The reply is not returned, for the reason given below.
    answerProblem(options.logger, error, request, reply, problem => hooks.challengeOf(request, problem))
  })
  server.setNotFoundHandler((request, reply) => {
    // Fastify awaits a returned reply with listeners on the response, which exceed Node's warning limit.
    if (http.serveFallback?.(request, reply)) return
    answerProblem(options.logger, methods.nothingAt(request), request, reply)
  })
  return http
}
