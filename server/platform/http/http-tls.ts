/** TLS without a proxy: HTTP/1.1 and HTTP/2 on one port, with timeouts for clients that neither send nor read. */
import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { constants, type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { Problem } from '../problem.ts'
import { rawProblem } from './http-problem.ts'

/** Certificate and key in PEM. */
export interface TlsFiles {
  cert: Buffer
  key: Buffer
}

const keepAliveMs = 72_000
/** Timeout for the TLS handshake. */
const handshakeMs = 10_000
/** Concurrent streams per connection; a client that wants more waits, or opens another connection. */
const maxConcurrentStreams = 250
/**
 * Burst and rate of streams that a client may reset before they are answered, which is cheap for it only (rapid reset).
 */
const maxResets = 500
const resetsPerSecond = 20
/** Grace period for a connection that was asked to end after being idle for `keepAliveMs`; then it is destroyed. */
const lastWordMs = 10_000

/** Returns Fastify's options for TLS; untyped, since Fastify has a distinct type for each kind of server. */
export function tlsOptions(files: TlsFiles, timeouts: object): object {
  const own = { handshakeTimeout: handshakeMs, keepAliveTimeout: keepAliveMs }
  const https = { ...files, ...timeouts, ...own, allowHTTP1: true, settings: { maxConcurrentStreams } }
  return { http2: true, http2SessionTimeout: keepAliveMs, https }
}

export class TlsConnections {
  readonly #open = new Map<string, Socket>()
  /** Connections that have not sent a request yet. */
  readonly #silent = new Map<string, Socket>()
  readonly #unreadMs: number

  /** @param unreadMs Timeout for a client that does not read its answer. */
  constructor(unreadMs: number) {
    this.#unreadMs = unreadMs
  }

  /** Starts tracking connections; call it before the server listens. */
  watch(server: Http2SecureServer): void {
    server.prependListener('connection', (socket: Socket) => {
      const name = nameOf(socket)
      this.#open.set(name, socket)
      this.#silent.set(name, socket)
      socket.once('close', () => {
        this.#open.delete(name)
        this.#silent.delete(name)
      })
    })
    server.on('request', ({ socket }) => void this.#silent.delete(nameOf(socket)))
    server.on('tlsClientError', (error: Error & { code?: string }, socket: TLSSocket) => {
      const raw = this.#open.get(nameOf(socket))
      // Plain HTTP gets an answer that says so; anything else is only disconnected.
      if (raw && error.code === 'ERR_SSL_HTTP_REQUEST') {
        rawProblem(raw, new Problem('bad_request', 'This port uses HTTPS: use an https:// URL.'))
      }
    })
    server.on('session', session => this.#watchSession(session))
  }

  /** Returns the TCP connection under a TLS socket. */
  bareOf(socket: Socket): Socket {
    return this.#open.get(nameOf(socket)) ?? socket
  }

  /** Closes connections that have not sent a request; HTTP/2 sessions end automatically with their streams. */
  endSilent(): void {
    for (const socket of this.#silent.values()) socket.destroy()
  }

  cut(): void {
    for (const socket of this.#open.values()) socket.destroy()
  }

  #watchSession(session: ServerHttp2Session): void {
    const socket = this.#open.get(nameOf(session.socket))
    boundResets(session)
    boundUnread(session, this.#unreadMs)
    session.once('timeout', () => {
      // A session that ends waits for its client to read, even if it is destroyed.
      const cut = setTimeout(() => socket?.destroy(), lastWordMs)
      session.once('close', () => clearTimeout(cut))
    })
  }
}

/** Resets a connection or stream, which frees data buffered for a slow reader; a regular end would wait for it. */
export function resetSocket(socket: Duplex): void {
  if (isHttp2Stream(socket)) socket.close(constants.NGHTTP2_CANCEL)
  // Node cannot reset under TLS; the kernel frees its buffers when it gives up.
  else if (!(socket instanceof TLSSocket) && isTcp(socket)) socket.resetAndDestroy()
  socket.destroy()
}

/** Limits stream resets, which would allow a flood of requests that are not rate-limited, such as health checks. */
function boundResets(session: ServerHttp2Session): void {
  let left = maxResets
  let since = performance.now()
  session.on('stream', stream => {
    stream.once('aborted', () => {
      const now = performance.now()
      left = Math.min(maxResets, left + ((now - since) / 1000) * resetsPerSecond) - 1
      since = now
      if (left >= 0 || session.destroyed) return
      session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM)
      session.destroy()
    })
  })
}

/** Resets streams whose client does not read; a stream's timeout restarts with each chunk, and idle ones are exempt. */
function boundUnread(session: ServerHttp2Session, unreadMs: number): void {
  session.on('stream', stream => {
    stream.setTimeout(unreadMs)
    stream.on('timeout', () => {
      if (stream.writableLength > 0) resetSocket(stream)
    })
  })
}

/** Aborts a request whose body is late: over HTTP/1.1 like Node itself, so that the sender gets an answer. */
export function cutBody(server: EventEmitter, request: IncomingMessage): void {
  if ('stream' in request) return (request.stream as ServerHttp2Stream).close(constants.NGHTTP2_CANCEL)
  const late = Object.assign(new Error('The body is late.'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
  server.emit('clientError', late, request.socket)
}

function isHttp2Stream(socket: Duplex): socket is ServerHttp2Stream {
  return 'rstCode' in socket
}

function isTcp(socket: Duplex): socket is Socket {
  return 'resetAndDestroy' in socket
}

/** Returns a key of a connection that is the same for its TCP and TLS layers. */
function nameOf(socket: { remoteAddress?: string | undefined; remotePort?: number | undefined }): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}
