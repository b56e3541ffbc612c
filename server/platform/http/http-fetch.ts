/** The door for handlers of web standards: they get of a `Request` what they may see, and their `Response` goes out as fast as the client reads it. */
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Operation } from '../guard.ts'
import type { Caller } from '../principal.ts'
import { TextAnswer } from './answer-text.ts'
import { HttpCall } from './http-call.ts'
import { refuseStrangeOrigin } from './http-origin.ts'
import type { HttpServer } from './http-server.ts'
import { resetSocket } from './http-tls.ts'

/** A whole one is a dear thing to make, with a signal that follows another one. */
export type FetchRequest = Pick<Request, 'method' | 'url' | 'headers' | 'signal'>

export type FetchAnswer = Response | TextAnswer

export interface FetchCall {
  /** Its signal aborts when the client goes away. Without what the caller proves itself by, and without its body. */
  request: FetchRequest
  /** JSON, parsed. */
  body: unknown
  caller: Caller
  requestId: string
  /** It lasts as long as the client likes, so that its duration is not latency: it is not counted. */
  beStream(): void
  /** Called once, when the answer has ended or its client is gone. */
  onClosed(listener: () => void): void
}

declare module 'fastify' {
  interface FastifyRequest {
    isStream?: boolean
  }
}

/** A client that takes nothing for so long is cut. */
const stallMs = 30_000
/** What a handler has no business to see, and what describes the connection or the body that was read already. */
const notPassed = /^(:|(authorization|x-api-key|cookie|connection|content-length|transfer-encoding|upgrade)$)/
/** Ours to say. */
const notAnswered = new Set(['connection', 'cache-control', 'transfer-encoding'])

const allMethods = ['POST', 'GET', 'DELETE'] as const

/** @param bodyLimit Bytes. The gate is the same as everywhere, and what is done inside is noted by the code that does it: of the request itself only refusals are. */
export function handleFetch(
  http: HttpServer,
  path: string,
  operation: Operation,
  bodyLimit: number,
  answer: (call: FetchCall) => Promise<FetchAnswer>,
  methods: readonly (typeof allMethods)[number][] = allMethods,
): void {
  http.fastify.route({
    method: [...methods],
    url: path,
    exposeHeadRoute: false,
    bodyLimit,
    config: { operation, isCounted: true, limit: operation.limit },
    handler: async (request, reply) => {
      refuseStrangeOrigin(request.headers, http.options.origins)
      const { body } = request
      const call = new HttpCall(request, reply, { params: undefined, query: undefined, body }, http)
      const { signal, caller, requestId } = call
      const headers = headersOf(request.headers)
      const response = await answer({
        // A placeholder host: where the request came from is not for the handler to judge.
        request: {
          url: `http://rustymail.invalid${path}${queryOf(request.url)}`,
          method: request.method,
          headers,
          signal,
        },
        body,
        caller,
        requestId,
        beStream: () => {
          request.isStream = true
          http.carry(request, reply.raw)
        },
        onClosed: listener => void reply.raw.once('close', listener),
      })
      request.isRecorded = true
      for (const [name, value] of response.headers) if (!notAnswered.has(name)) reply.header(name, value)
      const out = call.takeResponse()
      if (signal.aborted) return void (response instanceof TextAnswer || (await response.body?.cancel()))
      out.setHeader('cache-control', 'no-store')
      if (response instanceof TextAnswer) {
        out.statusCode = response.status
        out.end(response.words)
        if (!isClosed(out)) cutLate(out, request.raw.socket, () => tellLate(http, request))
        return
      }
      out.writeHead(response.status)
      // The client of a stream knows from now on that it is open.
      if (response.headers.get('content-type')?.startsWith('text/event-stream')) out.flushHeaders()
      if (response.body) await pour(response.body, out, { gone: signal, isLate: () => tellLate(http, request) })
      out.end()
      if (!isClosed(out)) cutLate(out, request.raw.socket, () => tellLate(http, request))
    },
  })
}

interface Pouring {
  gone: AbortSignal
  /** The client took nothing for too long. */
  isLate(): void
}

/** Ends early, without an error, when the client goes away or takes nothing any more. */
async function pour(body: ReadableStream<Uint8Array>, out: ServerResponse, { gone, isLate }: Pouring): Promise<void> {
  const reader = body.getReader()
  const cancel = () => void reader.cancel().catch(() => undefined)
  out.once('close', cancel)
  // Also while the client takes nothing: what was told to end is not kept for it.
  reader.closed.catch(() => cut(out))
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done || gone.aborted) return
      if (!out.write(value)) await drained(out, isLate)
    }
  } catch {
    // What was promised cannot be kept, so the client must not take it for whole.
    cut(out)
  } finally {
    out.off('close', cancel)
    cancel()
  }
}

/** When the client has taken what was written. @throws if it is gone, or takes nothing for too long. */
function drained(out: ServerResponse, isLate: () => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const left = () => reject(new Error('The client is gone'))
  const late = setTimeout(() => {
    isLate()
    reject(new Error('The client takes nothing'))
  }, stallMs)
  out.once('drain', resolve).once('close', left)
  return promise.finally(() => {
    clearTimeout(late)
    out.off('drain', resolve).off('close', left)
  })
}

function isClosed(out: ServerResponse): boolean {
  return 'stream' in out ? (out.stream as Duplex).destroyed : out.closed
}

/** Without an end, by which it would look whole. */
function cut(out: ServerResponse): void {
  if ('stream' in out) resetSocket(out.stream as Duplex)
  else out.destroy()
}

function tellLate({ options }: HttpServer, { id, method, url }: { id: string; method: string; url: string }): void {
  const refs = { request_id: id, method, path: url.split('?')[0] }
  options.logger.info(refs, `a client took nothing of its answer for ${stallMs / 1000} s, so it was cut`)
}

/** What waits behind another answer of its connection, or for a client that takes nothing, waits no longer than that. */
function cutLate(out: ServerResponse, connection: Duplex, isLate: () => void): void {
  const late = setTimeout(() => {
    isLate()
    if ('stream' in out) cut(out)
    else connection.destroy()
  }, stallMs)
  out.once('close', () => clearTimeout(late))
}

/** With its question mark. */
function queryOf(url: string): string {
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at)
}

function headersOf(headers: Record<string, string | string[] | undefined>): Headers {
  const passed = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !notPassed.test(name)) passed.set(name, [value].flat().join(', '))
  }
  return passed
}
