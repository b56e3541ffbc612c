/** Routes for protocols with their own message format: the handler supplies body and headers of the answer. */
import type { Operation } from '../guard.ts'
import type { Caller } from '../principal.ts'
import { HttpCall } from './http-call.ts'
import { publicOriginOf } from './http-origin.ts'
import type { HttpServer } from './http-server.ts'

export interface PlainCall {
  method: string
  /** Path and query, as sent. */
  target: string
  headers: Record<string, string>
  /** Parsed JSON; a form as text. */
  body: unknown
  /** Origin of this server, as the caller reached it. */
  origin: string
  caller: Caller
  requestId: string
  /** Adds references to the audit entry. No secrets. */
  note(refs: Record<string, string>): void
}

export interface PlainAnswer {
  status: number
  headers: Record<string, string | string[]>
  body: string
}

export interface PlainRoute {
  method: 'GET' | 'POST'
  path: string
  operation: Operation
  /** Maximum size of a body in bytes. */
  bodyLimit?: number
  /** Whether the body may be `application/x-www-form-urlencoded`. */
  takesForm?: boolean
}

/** Headers of the handler that are ignored, since the server sets them. */
const notAnswered = /^(access-control-|vary$|content-length$|connection$|transfer-encoding$)/

export function handlePlain(
  http: HttpServer,
  route: PlainRoute,
  answer: (call: PlainCall) => Promise<PlainAnswer>,
): void {
  const { method, path, operation, bodyLimit, takesForm = false } = route
  http.fastify.route({
    method,
    url: path.replaceAll(/\{(\w+)\}/g, ':$1'),
    exposeHeadRoute: false,
    ...(bodyLimit !== undefined && { bodyLimit }),
    config: { operation, isCounted: true, limit: operation.limit, takesForm },
    handler: async (request, reply) => {
      const { body } = request
      const call = new HttpCall(request, reply, { params: undefined, query: undefined, body }, http)
      const {
        status,
        headers,
        body: text,
      } = await answer({
        method,
        target: request.url,
        headers: headersOf(request.headers),
        body,
        origin: publicOriginOf(request.headers, http.options.origins),
        caller: call.caller,
        requestId: call.requestId,
        note: refs => call.note(refs),
      })
      if (status >= 400) request.outcomeCode = status === 401 ? 'unauthorized' : 'bad_request'
      reply.code(status).header('cache-control', 'no-store')
      for (const [name, value] of Object.entries(headers)) if (!notAnswered.test(name)) reply.header(name, value)
      return reply.send(text)
    },
  })
}

function headersOf(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(':')) passed[name] = [value].flat().join(', ')
  }
  return passed
}
