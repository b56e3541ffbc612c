/** `handle()`, by which every endpoint is served: what comes in is checked against the contract, what goes out too. */
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
import type { BodyBounds } from './body-budget.ts'
import type { UploadPace } from './body-clock.ts'
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

/** @throws Problem for callers that may not, and for what a human stopped. */
export function admit(
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

export function accountOf(params: unknown): string | undefined {
  const id = params && typeof params === 'object' && 'account_id' in params ? params.account_id : undefined
  return typeof id === 'string' ? id : undefined
}

export function toRoute(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1')
}
