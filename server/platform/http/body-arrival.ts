/** Bodies that arrive late, and bodies that an answer leaves unread. */
import type { IncomingMessage } from 'node:http'
import { constants, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from '../problem.ts'
import { unlessLate } from '../waits.ts'
import { isHttp2 } from './http-form.ts'

/** Pace of an upload: the total waiting time allowed, of which each received byte earns some back. */
export interface UploadPace {
  graceMs: number
  bytesPerSecond: number
}

export const usualPace: UploadPace = { graceMs: 60_000, bytesPerSecond: 8 * 1024 }

/**
 * Timeouts for receiving bodies: normally a minute; uploads of files may continue while they keep up a minimum rate.
 * Node only has a timeout for whole requests, the same for all, and none for HTTP/2.
 */
export class BodyClock {
  readonly #bodyMs: number
  readonly #timers = new WeakMap<IncomingMessage, NodeJS.Timeout>()

  constructor(bodyMs: number) {
    this.#bodyMs = bodyMs
  }

  /** Starts the timeout once the head of a request was received. @param cut Called when the body is late. */
  watch(request: IncomingMessage, cut: () => void): void {
    if (request.complete || isWithoutBody(request)) return
    const timer = setTimeout(() => {
      if (!request.complete) cut()
    }, this.#bodyMs)
    this.#timers.set(request, timer)
    const done = () => clearTimeout(timer)
    request.once('end', done).once('close', done)
  }

  /** Stops the timeout, for a body that is read by `paced`. */
  release(request: IncomingMessage): void {
    clearTimeout(this.#timers.get(request))
  }
}

/**
 * Whether a request has no body. Over HTTP/2 it counts as complete only once its end was read, which does not happen
 * without a body. Over HTTP/1.1 its head says so (RFC 9112, section 6.3); a timer for each request without a body would
 * cost some of them 3 % of their time.
 */
function isWithoutBody(request: IncomingMessage): boolean {
  return 'stream' in request ? (request.stream as ServerHttp2Stream).endAfterHeaders : !hasBody(request)
}

/**
 * Yields the chunks of an upload, and ends it if its sender is slower than its pace allows; time spent by the reader
 * does not count.
 * @throws Problem `request_timeout`
 */
export async function* paced(
  pieces: AsyncIterator<Uint8Array>,
  { graceMs, bytesPerSecond }: UploadPace,
): AsyncGenerator<Uint8Array, undefined> {
  let left = graceMs
  try {
    for (;;) {
      const began = performance.now()
      const next = await unlessLate(pieces.next(), left, tooSlow)
      if (next.done) return
      left = Math.min(graceMs, left - (performance.now() - began) + (next.value.length / bytesPerSecond) * 1000)
      yield next.value
    }
  } finally {
    // Not awaited, since it would wait for the sender.
    pieces.return?.()?.catch(() => undefined)
  }
}

function tooSlow(): never {
  throw new Problem('request_timeout', 'The file came too slowly; send at least 8 KiB a second.')
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
  isWaiting(request: IncomingMessage): boolean
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
  if (isSmall && !options.isWaiting(raw) && !isLast) return
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
