/** Reads the bodies of requests, or leaves them unread: JSON alone, no more of it than the endpoint takes and there is room for, and in a shape that is cheap to parse. */
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

/** Of the first chunk of a body whose length nobody said. */
const firstBytes = 1024
/** The first half of any, and the second. */
const loneSurrogate = /\\u[dD][89a-fA-F]/

export class BodyReader {
  readonly #budget: BodyBudget
  /** Of clients that wait to be told that their body is wanted (RFC 9110, section 10.1.1). */
  readonly #waiting = new WeakMap<IncomingMessage, ServerResponse>()

  /** Those that are being read: how to refuse each. */
  readonly #reading = new Set<(problem: Problem) => void>()
  #isEnded = false

  readonly #faultOf: (request: IncomingMessage) => Problem | undefined

  /** @param faultOf What is known to be wrong with a body already. */
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
    // Nothing else can be expected (RFC 9110, section 10.1.1); Node would read the body on.
    server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
      response.writeHead(417, { connection: 'close' }).end()
    })
  }

  /** Whether its sender holds the body back until it is asked for. */
  isWaiting(request: IncomingMessage): boolean {
    return this.#waiting.has(request)
  }

  /** Tells a sender that holds the body back that it is wanted. */
  want(request: IncomingMessage): void {
    this.#waiting.get(request)?.writeContinue()
    this.#waiting.delete(request)
  }

  /** The server stops: what has not come whole by now is waited for no longer. */
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
      // What is still to come of it is not read on.
      if (error) payload.pause()
      done(error, body)
    }
    const take = (chunk: Buffer) => {
      const wanted = size + chunk.length
      if (wanted > limit) return end(tooLarge(limit))
      if (wanted > bytes.length) {
        // One piece of memory however small the chunks are: each of them would cost a hundred bytes beside its own.
        const room = Math.min(limit, Math.max(declared ?? firstBytes, wanted, bytes.length * 2))
        // What is declared is not there yet: memory is taken as it comes.
        const next = Math.min(room, Math.max(firstBytes, wanted * 2))
        if (!lease.holds(next)) return end(noRoom())
        bytes = Buffer.concat([bytes.subarray(0, size)], next)
      }
      chunk.copy(bytes, size)
      size = wanted
    }
    const finish = () => {
      if (declared !== undefined && size !== declared) return end(cutShort())
      // Many clients name a type for a body that they do not send; an endpoint that takes no body ignores it.
      if (size === 0 && limit === bodyLimits.none) return end(null)
      const whole = bytes.subarray(0, size)
      if (!isUtf8(whole)) return end(new Problem('bad_request', 'The body is not UTF-8.'))
      const shape = routeOptions.config.bodyShape ?? usualShape
      const excess = parse === takeText ? undefined : findExcess(whole, shape)
      if (excess) return end(immodest(shape, excess.field))
      const text = whole.toString('utf8')
      // Looked for where there can be any: they are escaped, as UTF-8 has none.
      const parsed: Done = loneSurrogate.test(text) ? (error, body) => end(error ?? refusalOfText(body), body) : end
      parse(request, text, parsed)
    }
    const closed = () => end(cutShort())
    this.want(request.raw)
    this.#reading.add(end)
    payload.on('data', take).on('end', finish).on('error', end).on('close', closed)
  }
}

/** A form: its handler reads it. */
const takeText: Parse = (_request, text, done) => done(null, text)

function tooLarge(limit: number): Problem {
  return new Problem('too_large', `The body is larger than ${limit / 1024} KiB, the maximum here.`)
}

/** A charset that is not named is UTF-8 (RFC 8259, section 8.1). */
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

/** As Fastify has it: a client that went away in the middle is told apart by this code. */
function cutShort(): Error {
  return Object.assign(new Error('The body is incomplete.'), { code: 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' })
}

/** Objects and lists in each other. */
export const maxDepth = 32
/** What an endpoint takes that says nothing else. The largest of them is a token with a thousand accounts. */
export const usualShape: BodyShape = { names: 500, values: 4_000 }
/** Of a field, in bytes, that is told of. */
const longestField = 60

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Where JSON costs more to read than its length says: one walk over its bytes before anything is made of it. It does not check whether they are
 * valid JSON.
 * @returns Undefined where it does not; else the field of the body in which a bound is passed, as far as it has a short name.
 */
export function findExcess(
  bytes: Uint8Array,
  shape: BodyShape = usualShape,
): { field: string | undefined } | undefined {
  let depth = 0
  let values = 0
  let names = 0
  let isInString = false
  // Of the latest string of the outermost object, and of its latest name.
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

/** So much is discarded as it comes, which costs less than another connection. */
const keptBytes = 64 * 1024
/** Of a larger one so much is discarded behind the answer: a connection that is closed on unread bytes takes the answer with it. */
const lingerBytes = 1024 * 1024
const lingerMs = 2_000

interface UnreadOptions {
  /** Connections of which no further request is read. */
  closing: WeakSet<Duplex>
  /** Whether the sender waits to be asked for the body, so that nobody knows whether it will come. */
  isWaiting: boolean
}

export function hasBody({ headers }: { headers: FastifyRequest['headers'] }): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/**
 * What happens to a body that an answer leaves unread: it is not read on, and its sender still gets the answer.
 * Called before the answer leaves. Does nothing for a body that is whole.
 */
export function leaveUnread(request: FastifyRequest, reply: FastifyReply, options: UnreadOptions): void {
  const { raw } = request
  if (isHttp2(reply.raw)) {
    // It has no such field, and a stream that is reset is all that there is to close.
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

/** Takes the place of what Node does behind the last answer of a connection, which is to destroy it. */
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
    // All of it has come: there is nothing left that could take the answer along.
    if (raw.complete) destroyWhenWritten(socket)
    else raw.once('end', () => destroyWhenWritten(socket))
  }
}

function destroyWhenWritten(socket: Duplex): void {
  if (socket.writableFinished) socket.destroy()
  else socket.once('finish', () => socket.destroy())
}

/** Asks the sender to stop, without an error (RFC 9113, section 8.1). */
function resetBehind({ stream }: Http2ServerResponse): void {
  const close = () => {
    if (!stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR)
  }
  // Of the stream: what Node calls the response is finished only when all is closed.
  stream.once('finish', () => setImmediate(close))
}
