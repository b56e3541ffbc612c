/**
 * Runs a handler for Node's requests without a connection: its response is collected, so that it leaves through our own
 * HTTP layer.
 */
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

/** Builds a request and response for functions of the library that need one, with its cookies. */
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
  // It has everything that Koa and the library read.
  const incoming = request as unknown as IncomingMessage
  // An `import` would read all of its exports, and WebSocket alone loads all of Node's fetch: 6 MiB.
  const { ServerResponse } = process.getBuiltinModule('node:http')
  return { request: incoming, response: new ServerResponse(incoming) }
}
