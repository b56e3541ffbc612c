/** What happens to a body that an answer leaves unread: it is not read on, and its sender still gets the answer. */
import { constants, type Http2ServerResponse } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isHttp2 } from './http-form.ts'

/** So much is thrown away as it comes, which costs less than another connection. */
const keptBytes = 64 * 1024
/** Of a larger one so much is thrown away behind the answer: a connection that is closed on unread bytes takes the answer with it. */
const lingerBytes = 1024 * 1024
const lingerMs = 2_000

export interface UnreadOptions {
  /** Connections of which no further request is read. */
  closing: WeakSet<Duplex>
  /** Whether the sender waits to be asked for the body, so that nobody knows whether it will come. */
  isWaiting: boolean
}

export function hasBody({ headers }: { headers: FastifyRequest['headers'] }): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Called before the answer leaves. Does nothing for a body that is whole. */
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
