/** Lets a handler of Node's requests answer one that has no connection: what it answers is collected, and leaves by our own door. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'

export interface BareRequest {
  method: string
  /** Path and query. */
  target: string
  headers: Record<string, string>
  body: string | undefined
  isHttps: boolean
}

export interface BareAnswer {
  status: number
  headers: Record<string, string | string[]>
  body: string
}

export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export async function exchange(handler: NodeHandler, bare: BareRequest): Promise<BareAnswer> {
  const { request, response } = standIns(bare)
  const answered = new Promise<BareAnswer>(resolve => {
    response.end = function end(this: ServerResponse, chunk?: unknown) {
      const headers: BareAnswer['headers'] = {}
      for (const [name, value] of Object.entries(this.getHeaders())) {
        if (value !== undefined) headers[name] = Array.isArray(value) ? value : String(value)
      }
      const body = typeof chunk === 'string' || chunk instanceof Uint8Array ? Buffer.from(chunk).toString('utf8') : ''
      resolve({ status: this.statusCode, headers, body })
      return this
    }
  })
  await handler(request, response)
  return answered
}

/** For what of the library wants to see a request, and its cookies. */
export function standIns(bare: BareRequest): { request: IncomingMessage; response: ServerResponse } {
  const { method, target, headers, body, isHttps } = bare
  const length: Record<string, string> = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const request = Object.assign(Readable.from(body === undefined ? [] : [Buffer.from(body)], { objectMode: false }), {
    method,
    url: target,
    headers: { ...headers, ...length },
    httpVersion: '1.1',
    socket: { encrypted: isHttps, remoteAddress: '127.0.0.1' },
  })
  // It has all that Koa and the library look at.
  const incoming = request as unknown as IncomingMessage
  // An `import` of it would read each of its exports, of which WebSocket loads all of Node's fetch: 6 MiB.
  const { ServerResponse } = process.getBuiltinModule('node:http')
  return { request: incoming, response: new ServerResponse(incoming) }
}
