/** TLS without a proxy: HTTP/1.1 and HTTP/2 on one port, and an end to connections that ask nothing or take nothing. */
import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { constants, type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { Problem } from '../problem.ts'
import { rawProblem } from './http-problem.ts'

/** PEM. */
export interface TlsFiles {
  cert: Buffer
  key: Buffer
}

const keepAliveMs = 72_000
/** A greeting that takes longer is cut. */
const handshakeMs = 10_000
/** Of one connection. A client that wants more waits, or opens another. */
const maxConcurrentStreams = 250
/** Requests that a client takes back before they are answered: at once, and in each second after. Each costs us, and it nothing. */
const maxResets = 500
const resetsPerSecond = 20
/** A connection on which nothing moved for Fastify's 72 s is asked to end, and after this it must. */
const lastWordMs = 10_000

/** For Fastify, which has another type for each kind of server; what is used of them here is the same. */
export function tlsOptions(files: TlsFiles, timeouts: object): object {
  const own = { handshakeTimeout: handshakeMs, keepAliveTimeout: keepAliveMs }
  const https = { ...files, ...timeouts, ...own, allowHTTP1: true, settings: { maxConcurrentStreams } }
  return { http2: true, http2SessionTimeout: keepAliveMs, https }
}

export class TlsConnections {
  readonly #open = new Map<string, Socket>()
  /** Those that have not asked anything yet. */
  readonly #silent = new Map<string, Socket>()
  readonly #unreadMs: number

  /** @param unreadMs For so long a client may take nothing of an answer. */
  constructor(unreadMs: number) {
    this.#unreadMs = unreadMs
  }

  /** Called before the server listens. */
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

  /** The connection that carries it. */
  bareOf(socket: Socket): Socket {
    return this.#open.get(nameOf(socket)) ?? socket
  }

  /** Ends connections that have not asked anything; HTTP/2 ends by itself when its streams do. */
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
      // A session that was asked to end waits for its reader, also when it is destroyed.
      const cut = setTimeout(() => socket?.destroy(), lastWordMs)
      session.once('close', () => clearTimeout(cut))
    })
  }
}

/** Frees what is held for a reader that is too slow; a plain end would wait for it. */
export function resetSocket(socket: Duplex): void {
  if (isHttp2Stream(socket)) socket.close(constants.NGHTTP2_CANCEL)
  // Under TLS, Node does not reset; what the kernel holds goes when it gives up.
  else if (!(socket instanceof TLSSocket) && isTcp(socket)) socket.resetAndDestroy()
  socket.destroy()
}

/** What counts for no limit, as health, could else be asked for and taken back without end. */
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

/** The clock of a stream knows each piece that leaves; one that waits for its answer has nothing to take. */
function boundUnread(session: ServerHttp2Session, unreadMs: number): void {
  session.on('stream', stream => {
    stream.setTimeout(unreadMs)
    stream.on('timeout', () => {
      if (stream.writableLength > 0) resetSocket(stream)
    })
  })
}

/** A request whose body is late: over HTTP/1.1 as Node itself does it, so that its sender is told. */
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

/** Of a connection, whichever of its layers is asked. */
function nameOf(socket: { remoteAddress?: string | undefined; remotePort?: number | undefined }): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}
