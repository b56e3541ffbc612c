/** Reads request bodies, or leaves them unread: JSON only, within the endpoint's limit and budget, cheap to parse. */
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, type Http2ServerResponse } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type BodyShape, bodyLimits } from '../../../contract/endpoint.ts'
import { anonymous } from '../principal.ts'
import { Problem } from '../problem.ts'
import type { BodyBudget } from './body-budget.ts'
import { isHttp2, isWellFormed } from './http-form.ts'

type Done = (error: Error | null, body?: unknown) => void
type Parse = (request: FastifyRequest, text: string, done: Done) => void

/** Initial buffer for a body without a declared length. */
const firstBytes = 1024
/** Matches an escaped surrogate, high or low, which may be unpaired. */
const loneSurrogate = /\\u[dD][89a-fA-F]/

export class BodyReader {
  readonly #budget: BodyBudget
  /** Responses of clients that wait for `100 Continue` before they send the body (RFC 9110, section 10.1.1). */
  readonly #waiting = new WeakMap<IncomingMessage, ServerResponse>()

  /** For each body being read, a function that rejects it. */
  readonly #reading = new Set<(problem: Problem) => void>()
  #isEnded = false

  readonly #faultOf: (request: IncomingMessage) => Problem | undefined

  /** @param faultOf Returns a known error of a body, if there is one. */
  constructor(budget: BodyBudget, faultOf: (request: IncomingMessage) => Problem | undefined) {
    this.#budget = budget
    this.#faultOf = faultOf
  }

  addTo(fastify: FastifyInstance): void {
    const parseJson = fastify.getDefaultJsonParser('error', 'error') as Parse
    fastify.removeAllContentTypeParsers()
    fastify.addContentTypeParser('application/json', (request, payload, done) => {
      this.#read(request, payload, parseJson, done)
    })
    fastify.addContentTypeParser('application/x-www-form-urlencoded', (request, payload, done) => {
      if (request.routeOptions.config.takesForm) return this.#read(request, payload, takeText, done)
      done(new Problem('unsupported_media_type', 'Send the body as application/json.'))
    })
    const { server } = fastify
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      this.#waiting.set(request, response)
      server.emit('request', request, response)
    })
    // No other expectation is defined (RFC 9110, section 10.1.1); Node would go on reading the body.
    server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
      response.writeHead(417, { connection: 'close' }).end()
    })
  }

  /** Whether the sender waits for `100 Continue`. */
  isWaiting(request: IncomingMessage): boolean {
    return this.#waiting.has(request)
  }

  /** Sends `100 Continue` to a sender that waits for it. */
  want(request: IncomingMessage): void {
    this.#waiting.get(request)?.writeContinue()
    this.#waiting.delete(request)
  }

  /** Rejects incomplete bodies when the server stops. */
  end(): void {
    this.#isEnded = true
    for (const refuse of [...this.#reading]) refuse(stopping())
  }

  #read(request: FastifyRequest, payload: IncomingMessage, parse: Parse, done: Done): void {
    const { headers, routeOptions, caller, address } = request
    const limit = routeOptions.bodyLimit
    const declared = headers['content-length'] === undefined ? undefined : Number(headers['content-length'])
    if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') {
      return done(new Problem('unsupported_media_type', 'Send the body uncompressed, without a Content-Encoding.'))
    }
    if (!isUtf8Type(headers['content-type'])) {
      return done(new Problem('unsupported_media_type', 'Send the body as UTF-8, which is the only charset of JSON.'))
    }
    if (declared !== undefined && declared > limit) return done(tooLarge(limit))
    const fault = this.#faultOf(request.raw)
    if (fault) return done(fault)
    if (this.#isEnded && !payload.complete) return done(stopping())
    const lease = this.#budget.open(caller?.principal ?? anonymous, address)
    let bytes = Buffer.alloc(0)
    let size = 0
    const end = (error: Error | null, body?: unknown) => {
      payload.off('data', take).off('end', finish).off('error', end).off('close', closed)
      this.#reading.delete(end)
      lease.release()
      // The rest of the body is not read.
      if (error) payload.pause()
      done(error, body)
    }
    const take = (chunk: Buffer) => {
      const wanted = size + chunk.length
      if (wanted > limit) return end(tooLarge(limit))
      if (wanted > bytes.length) {
        // A single buffer, since each small chunk would have an overhead of a hundred bytes.
        const room = Math.min(limit, Math.max(declared ?? firstBytes, wanted, bytes.length * 2))
        // The declared length is not trusted: memory grows as data arrives.
        const next = Math.min(room, Math.max(firstBytes, wanted * 2))
        if (!lease.holds(next)) return end(noRoom())
        bytes = Buffer.concat([bytes.subarray(0, size)], next)
      }
      chunk.copy(bytes, size)
      size = wanted
    }
    const finish = () => {
      if (declared !== undefined && size !== declared) return end(cutShort())
      // Many clients send a content type without a body; an endpoint without a body ignores it.
      if (size === 0 && limit === bodyLimits.none) return end(null)
      const whole = bytes.subarray(0, size)
      if (!isUtf8(whole)) return end(new Problem('bad_request', 'The body is not UTF-8.'))
      const shape = routeOptions.config.bodyShape ?? usualShape
      const excess = parse === takeText ? undefined : findExcess(whole, shape)
      if (excess) return end(immodest(shape, excess.field))
      const text = whole.toString('utf8')
      // Checked only if there are escaped surrogates, since UTF-8 cannot contain unpaired ones.
      const parsed: Done = loneSurrogate.test(text) ? (error, body) => end(error ?? refusalOfText(body), body) : end
      parse(request, text, parsed)
    }
    const closed = () => end(cutShort())
    this.want(request.raw)
    this.#reading.add(end)
    payload.on('data', take).on('end', finish).on('error', end).on('close', closed)
  }
}

/** Passes a form as text to its handler, which parses it. */
const takeText: Parse = (_request, text, done) => done(null, text)

function tooLarge(limit: number): Problem {
  return new Problem('too_large', `The body is larger than ${limit / 1024} KiB, the maximum here.`)
}

/** Whether the charset is UTF-8, the default (RFC 8259, section 8.1). */
function isUtf8Type(contentType = ''): boolean {
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(contentType)?.[1]
  return charset === undefined || /^utf-?8$/i.test(charset)
}

function refusalOfText(body: unknown): Problem | null {
  return isWellFormed(body) ? null : new Problem('bad_request', 'A string in the body has an unpaired surrogate.')
}

function stopping(): Problem {
  return new Problem('draining', 'RustyMail is shutting down; try again in a moment.', { retryAfterSeconds: 5 })
}

function noRoom(): Problem {
  const detail = 'Too many request bodies are being read; try again in a moment.'
  return new Problem('overloaded', detail, { retryAfterSeconds: 5 })
}

function immodest({ names, values }: BodyShape, field: string | undefined): Problem {
  const path = field === undefined ? 'body' : `body.${field}`
  const [mostNames, mostValues] = [names, values].map(most => most.toLocaleString('en'))
  const message = `holds too much: a body may have ${maxDepth} levels, ${mostNames} names, and ${mostValues} values`
  return new Problem('bad_request', `${path}: ${message}.`, { errors: [{ path, message }] })
}

/** Fastify's own error for an incomplete body; its code identifies clients that disconnected in the middle. */
function cutShort(): Error {
  return Object.assign(new Error('The body is incomplete.'), { code: 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' })
}

/** Nesting depth of objects and lists in a body. */
export const maxDepth = 32
/** Default bounds of a body's shape; the largest legitimate one is a token with a thousand accounts. */
export const usualShape: BodyShape = { names: 500, values: 4_000 }
/** Bytes of a field name that is reported; longer ones are not. */
const longestField = 60

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Detects JSON that is disproportionately expensive to parse, in one pass over its bytes before parsing. Does not check
 * whether they are valid JSON.
 * @returns Undefined if it is within bounds; else the top-level field that exceeds one, if it has a short name.
 */
export function findExcess(
  bytes: Uint8Array,
  shape: BodyShape = usualShape,
): { field: string | undefined } | undefined {
  let depth = 0
  let values = 0
  let names = 0
  let isInString = false
  // Bounds of the latest string, and of the latest field name of the outermost object.
  let [from, to] = [0, 0]
  let [fieldFrom, fieldTo] = [0, 0]
  const excess = () => ({ field: fieldIn(bytes.subarray(fieldFrom, fieldTo)) })
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (isInString) {
      if (byte === backslash) at++
      else if (byte === quote) {
        isInString = false
        to = at + 1
      }
      continue
    }
    if (byte === quote) {
      isInString = true
      from = at
    } else if (byte === openObject || byte === openList) {
      if (++depth > maxDepth || ++values > shape.values) return excess()
    } else if (byte === closeObject || byte === closeList) depth--
    else if (byte === comma && ++values > shape.values) return excess()
    else if (byte === colon) {
      if (depth === 1) [fieldFrom, fieldTo] = [from, to]
      if (++names > shape.names) return excess()
    }
  }
  return undefined
}

function fieldIn(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0 || bytes.length > longestField) return undefined
  const name = Buffer.from(bytes).toString('utf8').slice(1, -1)
  return /^\w+$/.test(name) ? name : undefined
}

/** Size of an unread body that is drained to keep the connection, which costs less than a new one. */
const keptBytes = 64 * 1024
/** Bytes of a larger body drained after the answer: closing with unread bytes sends a RST, which can destroy it. */
const lingerBytes = 1024 * 1024
const lingerMs = 2_000

interface UnreadOptions {
  /** Connections on which no further request is read. */
  closing: WeakSet<Duplex>
  /** Whether the sender waits for `100 Continue`, so that it is unknown whether the body will come. */
  isWaiting: boolean
}

export function hasBody({ headers }: { headers: FastifyRequest['headers'] }): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/**
 * Handles a body that an answer leaves unread: it is not read further, and its sender still gets the answer.
 * Called before the answer is sent. A no-op for a complete body.
 */
export function leaveUnread(request: FastifyRequest, reply: FastifyReply, options: UnreadOptions): void {
  const { raw } = request
  if (isHttp2(reply.raw)) {
    // HTTP/2 has no `connection` header; the stream is reset instead.
    reply.removeHeader('connection')
    const response = reply.raw as unknown as Http2ServerResponse
    if (!raw.complete && !response.stream.endAfterHeaders) resetBehind(response)
    return
  }
  if (raw.complete || !hasBody(request)) return
  const isSmall = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY) <= keptBytes
  const isLast = reply.getHeader('connection') === 'close' || /\bclose\b/i.test(request.headers.connection ?? '')
  if (isSmall && !options.isWaiting && !isLast) return
  reply.header('connection', 'close')
  closeBehind(request, options.closing)
}

/** Replaces Node's `destroySoon` after the last answer of a connection by a lingering close. */
function closeBehind({ raw }: FastifyRequest, closing: WeakSet<Duplex>): void {
  const { socket } = raw
  let left = lingerBytes
  raw.on('error', () => undefined)
  raw.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) raw.pause()
  })
  raw.resume()
  socket.destroySoon = () => {
    closing.add(socket)
    socket.end()
    const cut = setTimeout(() => socket.destroy(), lingerMs)
    socket.once('close', () => clearTimeout(cut))
    // Once the body has arrived completely, no unread bytes can destroy the answer.
    if (raw.complete) destroyWhenWritten(socket)
    else raw.once('end', () => destroyWhenWritten(socket))
  }
}

function destroyWhenWritten(socket: Duplex): void {
  if (socket.writableFinished) socket.destroy()
  else socket.once('finish', () => socket.destroy())
}

/** Resets the stream without an error, which asks the sender to stop (RFC 9113, section 8.1). */
function resetBehind({ stream }: Http2ServerResponse): void {
  const close = () => {
    if (!stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR)
  }
  // `finish` of the stream: Node's response object finishes only when everything is closed.
  stream.once('finish', () => setImmediate(close))
}
