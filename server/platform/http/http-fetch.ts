/** Runs Fetch API handlers: they get a reduced `Request`, and their `Response` is sent with back-pressure. */
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { z } from 'zod'
import type { Operation } from '../guard.ts'
import type { Caller } from '../principal.ts'
import { TextAnswer } from './answer-text.ts'
import { HttpCall } from './http-call.ts'
import { parseQuery } from './http-input.ts'
import { refuseStrangeOrigin } from './http-origin.ts'
import type { HttpServer } from './http-server.ts'
import { resetSocket } from './http-tls.ts'
import type { BodyFault } from './json-fault.ts'

/** The used part of `Request`: a complete one, with its dependent signal, is expensive to create. */
export type FetchRequest = Pick<Request, 'method' | 'url' | 'headers' | 'signal'>

export type FetchAnswer = Response | TextAnswer

export interface FetchCall {
  /** The request without credentials and body; its signal aborts when the client disconnects. */
  request: FetchRequest
  /** The parsed JSON body. */
  body: unknown
  caller: Caller
  requestId: string
  /** Marks the answer as a stream, whose duration is up to the client and does not count as latency. */
  beStream(): void
  /** Registers a listener called once, when the answer has ended or the client has disconnected. */
  onClosed(listener: () => void): void
}

declare module 'fastify' {
  interface FastifyRequest {
    isStream?: boolean
  }
}

/** Timeout after which a client that does not read its answer is disconnected. */
const stallMs = 30_000
/** Headers hidden from handlers: credentials, and those about the connection or the body, which was read already. */
const notPassed = /^(:|(authorization|x-api-key|cookie|connection|content-length|transfer-encoding|upgrade)$)/
/** Headers of a handler's response that are ignored, since the server sets them. */
const notAnswered = new Set(['connection', 'cache-control', 'transfer-encoding'])

const allMethods = ['POST', 'GET', 'DELETE'] as const

interface FetchRoute {
  methods?: readonly (typeof allMethods)[number][]
  /** The endpoint takes no query if undefined. */
  query?: z.ZodType
  /** See `FastifyContextConfig`. */
  faultText?: (fault: BodyFault) => string
}

/**
 * Registers a Fetch handler behind the usual gate. It audits what it does itself; of the request, only rejections are.
 * @param bodyLimit Bytes.
 */
export function handleFetch(
  http: HttpServer,
  path: string,
  operation: Operation,
  bodyLimit: number,
  answer: (call: FetchCall) => Promise<FetchAnswer>,
  { methods = allMethods, query, faultText }: FetchRoute = {},
): void {
  http.fastify.route({
    method: [...methods],
    url: path,
    exposeHeadRoute: false,
    bodyLimit,
    config: { operation, isCounted: true, limit: operation.limit, faultText },
    handler: async (request, reply) => {
      refuseStrangeOrigin(request.headers, http.options.origins)
      parseQuery(query, request.query)
      const { body } = request
      const call = new HttpCall(request, reply, { params: undefined, query: undefined, body }, http)
      const { signal, caller, requestId } = call
      const headers = headersOf(request.headers)
      const response = await answer({
        // A placeholder host: handlers must not depend on the host.
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
        onClosed: listener => {
          // A client that left before the handler was called closes nothing any more.
          if (signal.aborted) queueMicrotask(listener)
          else reply.raw.once('close', listener)
        },
      })
      request.isRecorded = true
      for (const [name, value] of response.headers) if (!notAnswered.has(name)) reply.header(name, value)
      const out = call.takeResponse()
      if (signal.aborted) return void (response instanceof TextAnswer || (await response.body?.cancel()))
      out.setHeader('cache-control', 'no-store')
      if (response instanceof TextAnswer) {
        out.statusCode = response.status
        out.end(response.words)
        if (!isClosed(out)) cutLate(out, request.raw.socket, () => logStalled(http, request))
        return
      }
      out.writeHead(response.status)
      // Sends the head, so that the client of a stream knows that it is open.
      if (response.headers.get('content-type')?.startsWith('text/event-stream')) out.flushHeaders()
      if (response.body) await pour(response.body, out, { gone: signal, isLate: () => logStalled(http, request) })
      out.end()
      if (!isClosed(out)) cutLate(out, request.raw.socket, () => logStalled(http, request))
    },
  })
}

interface Pouring {
  gone: AbortSignal
  /** Called when the client did not read for too long. */
  isLate(): void
}

/** Pipes the body; ends early, without an error, if the client disconnects or stops reading. */
async function pour(body: ReadableStream<Uint8Array>, out: ServerResponse, { gone, isLate }: Pouring): Promise<void> {
  const reader = body.getReader()
  const cancel = () => void reader.cancel().catch(() => undefined)
  out.once('close', cancel)
  // Also cuts a blocked client when the body fails.
  reader.closed.catch(() => cut(out))
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done || gone.aborted) return
      if (!out.write(value)) await drained(out, isLate)
    }
  } catch {
    // The answer is incomplete, which the client must notice.
    cut(out)
  } finally {
    out.off('close', cancel)
    cancel()
  }
}

/** Waits until the client has read what was written. @throws if it disconnected, or does not read for too long */
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

/** Aborts an answer without a regular end, so that it does not look complete. */
function cut(out: ServerResponse): void {
  if ('stream' in out) resetSocket(out.stream as Duplex)
  else out.destroy()
}

function logStalled({ options }: HttpServer, { id, method, url }: { id: string; method: string; url: string }): void {
  const refs = { request_id: id, method, path: url.split('?')[0] }
  options.logger.info(refs, `a client read nothing of its response for ${stallMs / 1000} s, so it was aborted`)
}

/** Aborts an ended answer that is not sent by the timeout, due to earlier answers or a client that does not read. */
function cutLate(out: ServerResponse, connection: Duplex, isLate: () => void): void {
  const late = setTimeout(() => {
    isLate()
    if ('stream' in out) cut(out)
    else connection.destroy()
  }, stallMs)
  out.once('close', () => clearTimeout(late))
}

/** Returns the query of a URL, including the question mark. */
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
