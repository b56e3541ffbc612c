/** Reads request bodies: JSON only, within the endpoint's limit and budget, cheap to parse. */
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type BodyShape, bodyLimits } from '../../../contract/endpoint.ts'
import { anonymous } from '../principal.ts'
import { type InputPath, Problem } from '../problem.ts'
import { type BodyBudget, findExcess, maxDepth, usualShape } from './body-bounds.ts'
import { BodyFault, faultOfJson, faultOfValue } from './json-fault.ts'

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
      if (!isUtf8(whole)) return end(new BodyFault('body', 'is not UTF-8', false))
      const shape = routeOptions.config.bodyShape ?? usualShape
      const excess = parse === takeText ? undefined : findExcess(whole, shape)
      if (excess) return end(immodest(shape, excess.field))
      const text = whole.toString('utf8')
      // Checked only if there are escaped surrogates, since UTF-8 cannot contain unpaired ones.
      const isOdd = parse !== takeText && loneSurrogate.test(text)
      parse(request, text, (error, body) => {
        if (error) return end(faultOfJson(text))
        end((isOdd && faultOfValue(body)) || null, body)
      })
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

function stopping(): Problem {
  return new Problem('draining', 'RustyMail is shutting down; try again in a moment.', { retryAfterSeconds: 5 })
}

function noRoom(): Problem {
  const detail = 'Too many request bodies are being read; try again in a moment.'
  return new Problem('overloaded', detail, { retryAfterSeconds: 5 })
}

function immodest({ names, values }: BodyShape, field: string | undefined): Problem {
  const path: InputPath = field === undefined ? 'body' : `body.${field}`
  const [mostNames, mostValues] = [names, values].map(most => most.toLocaleString('en'))
  const message = `holds too much: a body may have ${maxDepth} levels, ${mostNames} names, and ${mostValues} values`
  return new BodyFault(path, message, true)
}

/** Fastify's own error for an incomplete body; its code identifies clients that disconnected in the middle. */
function cutShort(): Error {
  return Object.assign(new Error('The body is incomplete.'), { code: 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' })
}
