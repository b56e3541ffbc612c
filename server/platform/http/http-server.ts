/** `handle()` serves every endpoint, and validates input and output against the contract. */
import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bodyLimitOf, type Endpoint } from '../../../contract/endpoint.ts'
import { operationName } from '../../../contract/index.ts'
import { guard, type Operation } from '../guard.ts'
import type { Logger } from '../logger.ts'
import type { Principal } from '../principal.ts'
import { bodyFor, JsonText } from './answer-text.ts'
import type { UploadPace } from './body-arrival.ts'
import type { BodyBounds } from './body-bounds.ts'
import type { ConnectionBounds, ConnectionLimits } from './connection-limits.ts'
import { type Call, HttpCall } from './http-call.ts'
import type { HttpFront } from './http-front.ts'
import { principalOf, refuseWhileFull } from './http-hooks.ts'
import { fieldNames, leaveSecretsOut, parseInput } from './http-input.ts'
import type { HttpJudges } from './http-judges.ts'
import type { TlsConnections, TlsFiles } from './http-tls.ts'

export interface HttpServerOptions extends HttpJudges {
  logger: Logger
  trustedProxies: readonly string[]
  tls?: TlsFiles | undefined
  connectionBounds?: ConnectionBounds
  bodyBounds?: BodyBounds
  /** Milliseconds; shortened only by tests. */
  timeouts?: { requestTimeout: number; headersTimeout: number; connectionsCheckingInterval: number }
  uploadPace?: UploadPace
  /** Timeout for a client to read its answer, in milliseconds; shortened only by tests. */
  unreadMs?: number
}

export interface HttpServer {
  readonly fastify: FastifyInstance
  readonly options: HttpServerOptions
  /** All routes, however they are registered; tests compare them with the contract. */
  readonly routes: { method: string; path: string; operation: Operation | undefined }[]
  /** While true, everything except health checks is answered with 503 `draining`. */
  isDraining: boolean
  readonly isHttps: boolean
  /** Headers of every response; set automatically on HTTP/1.1 responses that Fastify sends. */
  readonly headers: Readonly<Record<string, string>>
  /** Answers requests for streams before Node's server sees them. */
  readonly front: HttpFront
  /** Set if the server uses TLS. */
  readonly tlsConnections: TlsConnections | undefined
  /** Connections on which no further request is read: they became streams, or are closing. */
  readonly takenSockets: WeakSet<Duplex>
  readonly connectionLimits: ConnectionLimits
  /** See `HttpPipelines.turnOf`. */
  turnOf(response: ServerResponse): true | Promise<boolean>
  /** Resolves when no request or stream is in progress. */
  whenIdle(): Promise<void>
  /** Rejects incomplete bodies when the server stops. */
  endBodies(): void
  /** Records a change in the audit trail before its answer begins; for answers sent outside Fastify. */
  record(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined
  /** See `Call.checkAgain`. */
  checkAgain(request: FastifyRequest, accountId: string | undefined): Promise<void> | undefined
  /** Starts an upload: the upload pace replaces the body timeout, and a sender that waits gets `100 Continue`. */
  wantFile(request: FastifyRequest): void
  /** Excludes the connection from the limits until the stream closes, since streams have bounds of their own. */
  carry(request: FastifyRequest, stream: EventEmitter): void
  /** Answers requests without a route, such as URLs of the page; returns whether it did. */
  serveFallback?: (request: FastifyRequest, reply: FastifyReply) => boolean
}

/**
 * Serves an endpoint of the contract. The answer is validated too, unless it is JSON text already: unknown fields are
 * never sent.
 */
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
    // Synchronous if the service is, so that cached data is answered in the same turn.
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
        // A stream was recorded before it began.
        if (reply.sent) return undefined
        const leave = () => {
          // Only reads are checked again: a change was made already, and is answered as such.
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

/** Returns the body for Fastify to send, never the reply, which Fastify would await with listeners on the response. */
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

/** Authorizes a call, by its account if it names one. @throws Problem for unauthorized callers, and for freezes */
export function admit(
  { options: { stops } }: HttpServer,
  principal: Principal,
  operation: Operation,
  { params, query }: { params: unknown; query: unknown },
): void {
  const accountId = accountOf(params)
  guard(principal, operation, accountId, stops)
  if (accountId !== undefined || !stops) return
  // Services check whether the caller may see an account named in the query.
  const asked = accountOf(query)
  if (asked === undefined) stops.checkAll(principal, operation)
  else stops.check(principal, operation, asked)
}

export function accountOf(params: unknown): string | undefined {
  const id = params && typeof params === 'object' && 'account_id' in params ? params.account_id : undefined
  return typeof id === 'string' ? id : undefined
}

export function toRoute(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}
