/** Serves uploads, behind the usual gate: a body of any type is streamed to its endpoint without being buffered. */
import type { IncomingMessage } from 'node:http'
import { guard, type Operation } from '../guard.ts'
import { Problem } from '../problem.ts'
import { paced, type UploadPace, usualPace } from './body-arrival.ts'
import { type Call, HttpCall } from './http-call.ts'
import { principalOf } from './http-hooks.ts'
import { parseQuery } from './http-input.ts'
import type { RawRoute } from './http-raw.ts'
import type { HttpServer } from './http-server.ts'

export interface Upload {
  /** Content type, as declared by the sender. */
  type: string | undefined
  /** The body as a stream, readable once, not necessarily to its end. Throws if it is too long, or ends early. */
  bytes: AsyncIterable<Uint8Array>
}

/** @param mostBytes Maximum size of a body. @param handler Returns an answer that is sent as JSON. */
export function handleUpload<Query = undefined>(
  http: HttpServer,
  route: RawRoute<Query>,
  operation: Operation,
  mostBytes: number,
  handler: (
    call: Call<Record<string, string>, Query, undefined>,
    upload: Upload,
  ) => Promise<{ status: number; answer: unknown }>,
): void {
  // A scope with its own content type parser, since other routes accept JSON only.
  http.fastify.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined))
    scope.route({
      method: 'POST',
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      bodyLimit: mostBytes,
      config: { operation, isCounted: false, limit: operation.limit },
      handler: async (request, reply) => {
        const params = (request.params ?? {}) as Record<string, string>
        const principal = principalOf(request)
        guard(principal, operation, params.account_id)
        refuseDeclared(request.headers, mostBytes)
        const query = parseQuery(route.query, request.query)
        const call = new HttpCall(request, reply, { params, query, body: undefined }, http)
        const type = request.headers['content-type']
        const bytes = bytesOf(request.raw, mostBytes, http.options.uploadPace, () => http.wantFile(request))
        const { status, answer } = await handler(call, { type, bytes }).catch((error: unknown) => {
          // Closes the connection, so that the rest of the body is not awaited.
          if (error instanceof Problem && error.code === 'request_timeout') reply.header('connection', 'close')
          throw error
        })
        await http.options.shown?.(principal, operation, params.account_id, answer)
        return reply
          .code(status)
          .header('cache-control', 'no-store')
          .header('content-type', 'application/json; charset=utf-8')
          .send(JSON.stringify(answer))
      },
    })
  })
}

async function* bytesOf(
  request: IncomingMessage,
  mostBytes: number,
  pace: UploadPace = usualPace,
  ask: () => void,
): AsyncGenerator<Uint8Array, undefined> {
  ask()
  let size = 0
  // Not destroyed if the reader stops early, so that the answer can still be sent on the connection.
  for await (const piece of paced(request.iterator({ destroyOnReturn: false }), pace)) {
    size += piece.length
    if (size > mostBytes) throw tooLarge(mostBytes)
    yield piece
  }
  if (!request.complete) throw new Problem('bad_request', 'The upload broke off.')
}

/** Rejects a body by its headers, before it is requested. */
function refuseDeclared(headers: IncomingMessage['headers'], mostBytes: number): void {
  const { 'content-encoding': encoding, 'content-length': declared } = headers
  if (Number(declared ?? 0) > mostBytes) throw tooLarge(mostBytes)
  if (encoding === undefined || encoding === 'identity') return
  throw new Problem('unsupported_media_type', 'Send the file as it is, without a Content-Encoding.')
}

function tooLarge(mostBytes: number): Problem {
  return new Problem('too_large', `The file is larger than ${mostBytes / 1024 / 1024} MiB, the maximum here.`)
}
