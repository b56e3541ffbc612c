/** Serves routes other than JSON endpoints, behind the same gate as `handle`: streams, files, texts, frames. */
import type { FastifyReply } from 'fastify'
import type { z } from 'zod'
import type { Endpoint } from '../../../contract/endpoint.ts'
import { operationName } from '../../../contract/index.ts'
import type { Operation } from '../guard.ts'
import { Problem } from '../problem.ts'
import { type Call, HttpCall } from './http-call.ts'
import type { StreamCall } from './http-front.ts'
import { principalOf } from './http-hooks.ts'
import { parseQuery } from './http-input.ts'
import { admit, type HttpServer, handle, toRoute } from './http-server.ts'

/** Serves an event stream: by `HttpFront` before Node's parser for ordinary requests, else by Node's server. */
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
      if (!isHere) throw new Problem('bad_request', 'Client disconnected.')
      // The caller may have been revoked while it waited.
      await call.checkAgain()
      begin(call)
    })
  })
}

export interface RawRoute<Query> {
  path: string
  /** The endpoint takes no query if undefined. */
  query?: z.ZodType<Query> | undefined
}

/**
 * A redirect from a provider, which may add parameters that must be ignored (RFC 6749, section 4.1.2); its
 * handler reads the URL.
 */
export interface CallbackRoute {
  path: string
  query: 'as_sent'
}

/** Serves a file, a text or a frame, behind the same gate as an endpoint. */
export function handleRaw<Query = undefined>(
  http: HttpServer,
  { path, query }: RawRoute<Query> | CallbackRoute,
  operation: Operation,
  handler: (call: Call<Record<string, string>, Query, undefined>, reply: FastifyReply) => Promise<unknown>,
): void {
  http.fastify.route({
    method: 'GET',
    url: toRoute(path),
    config: { operation, isCounted: false, limit: operation.limit },
    handler: async (request, reply) => {
      const params = (request.params ?? {}) as Record<string, string>
      const asked = query === 'as_sent' ? (undefined as Query) : parseQuery(query, request.query)
      const input = { params, query: asked, body: undefined }
      const principal = principalOf(request)
      admit(http, principal, operation, input)
      await http.options.shown?.(principal, operation, params.account_id, undefined)
      return handler(new HttpCall(request, reply, input, http), reply)
    },
  })
}
