/**
 * Pipelining on HTTP/1.1 connections: a client may send requests before earlier ones are answered (RFC 9112, section
 * 9.3.2). Answers keep their order, even if one of them takes over the connection, or a message is malformed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Problem } from '../problem.ts'

/** Input discarded on a connection that reads no further request; past it, the connection is closed. */
const ignoredBytes = 64 * 1024

interface Line {
  request: IncomingMessage
  response: ServerResponse
  /** Resolves when the latest request that might take over the connection was answered, in whatever way. */
  undecided: Promise<unknown> | undefined
  /** Answers that wait for their turn; created lazily. */
  queued: Set<ServerResponse> | undefined
}

export class HttpPipelines {
  /** Connections on which no further request is read: they became streams, or got their last answer. */
  readonly ended = new WeakSet<Duplex>()
  readonly #lines = new WeakMap<Duplex, Line>()
  /** Problems of requests whose body is malformed. */
  readonly #faults = new WeakMap<IncomingMessage, Problem>()

  /**
   * Registers a request when its head was received. Returns false if the connection has ended, so that the request is
   * neither executed nor answered (RFC 9112, section 9.6); a promise while an earlier request may still end it.
   * @param mayTake Whether the answer may be a stream that takes over the connection.
   */
  enter(request: IncomingMessage, response: ServerResponse, mayTake: boolean): boolean | Promise<boolean> {
    const { socket } = request
    if (this.ended.has(socket)) return false
    const line = this.#lines.get(socket) ?? this.#open(request, response)
    line.request = request
    line.response = response
    if (response.socket === null) this.#queue(line, socket, response)
    const { undecided } = line
    if (mayTake) line.undecided = new Promise(resolve => void response.once('close', resolve))
    return undecided ? undecided.then(() => !this.ended.has(socket) && !socket.destroyed) : true
  }

  /** Returns true if the answer may begin now; else resolves when it may, or to false if the connection is lost. */
  turnOf(response: ServerResponse): true | Promise<boolean> {
    if (response.socket !== null) return true
    return new Promise(resolve => {
      response.once('socket', () => resolve(true)).once('close', () => resolve(false))
    })
  }

  /**
   * Answers a malformed or late message after earlier requests; it is the last one on its connection.
   * @param answer Writes to the raw connection.
   */
  broken(socket: Duplex, problem: Problem, answer: () => void): void {
    // Input after a stream or a last answer is discarded.
    if (this.ended.has(socket)) return
    this.ended.add(socket)
    ignoreInput(socket)
    const last = this.#lines.get(socket)
    if (!last || last.response.closed) return answer()
    const { request, response } = last
    if (request.complete) return void response.once('close', answer)
    // The body is malformed: its reader answers the request, in turn.
    if (!response.headersSent) response.setHeader('connection', 'close')
    response.once('close', () => socket.end())
    this.#faults.set(request, problem)
    if (request.listenerCount('error') > 0) request.emit('error', problem)
  }

  /** Returns the problem of a body that turned out malformed before it was read. */
  faultOf(request: IncomingMessage): Problem | undefined {
    return this.#faults.get(request)
  }

  #open(request: IncomingMessage, response: ServerResponse): Line {
    const line: Line = { request, response, undecided: undefined, queued: undefined }
    this.#lines.set(request.socket, line)
    return line
  }

  /** Emits `close` on queued answers when the connection closes, which Node does only for those whose turn had come. */
  #queue(line: Line, socket: Duplex, response: ServerResponse): void {
    if (!line.queued) {
      const queued = new Set<ServerResponse>()
      line.queued = queued
      socket.once('close', () => {
        for (const each of queued) each.emit('close')
      })
    }
    const { queued } = line
    queued.add(response)
    response.once('socket', () => void queued.delete(response))
  }
}

/** Discards all further input, in place of other readers such as Node's parser, up to a bound. */
export function ignoreInput(socket: Duplex): void {
  let left = ignoredBytes
  // A first listener makes Node's parser release the socket, which it otherwise reads natively.
  socket.on('data', () => undefined)
  socket.removeAllListeners('data')
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) socket.destroy()
  })
  socket.resume()
}
