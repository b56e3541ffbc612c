/**
 * What stands behind what on one connection of HTTP/1.1: a client need not wait for an answer before it asks again (RFC 9112,
 * section 9.3.2). Answers keep their order, also where one of them takes the connection for itself, or a message cannot be read.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Problem } from '../problem.ts'

/** A client may send so much to a connection that reads no further request; past it the connection is closed. */
const ignoredBytes = 64 * 1024

interface Line {
  request: IncomingMessage
  response: ServerResponse
  /** Resolves when the latest request that might make a stream of the connection was answered, in whatever way. */
  undecided: Promise<unknown> | undefined
  /** Answers that wait for their turn; made when there is one. */
  queued: Set<ServerResponse> | undefined
}

export class HttpPipelines {
  /** Connections of which no further request is read: they became streams, or their last answer said so. */
  readonly ended = new WeakSet<Duplex>()
  readonly #lines = new WeakMap<Duplex, Line>()
  /** Of requests whose body is broken. */
  readonly #faults = new WeakMap<IncomingMessage, Problem>()

  /**
   * Called for each request when its head has come. False when the connection is over for it: it is not answered, nor done
   * (RFC 9112, section 9.6). A promise while an earlier request may still come to that.
   * @param mayTake Whether its answer may be a stream that takes the connection.
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
    return undecided ? undecided.then(() => !this.ended.has(socket)) : true
  }

  /** True when its answer may begin at once; else resolves when it may, or to false when the connection is gone. */
  turnOf(response: ServerResponse): true | Promise<boolean> {
    if (response.socket !== null) return true
    return new Promise(resolve => {
      response.once('socket', () => resolve(true)).once('close', () => resolve(false))
    })
  }

  /**
   * A message that cannot be read, or that did not come in time, is answered behind what was asked before it. It is the last.
   * @param answer Writes to the bare connection.
   */
  broken(socket: Duplex, problem: Problem, answer: () => void): void {
    // What follows a stream, or a last answer, is discarded.
    if (this.ended.has(socket)) return
    this.ended.add(socket)
    ignoreInput(socket)
    const last = this.#lines.get(socket)
    if (!last || last.response.closed) return answer()
    const { request, response } = last
    if (request.complete) return void response.once('close', answer)
    // Its body is what is broken: the reader of the body answers it, in turn.
    if (!response.headersSent) response.setHeader('connection', 'close')
    response.once('close', () => socket.end())
    this.#faults.set(request, problem)
    if (request.listenerCount('error') > 0) request.emit('error', problem)
  }

  /** For readers that start on a body that was broken before. */
  faultOf(request: IncomingMessage): Problem | undefined {
    return this.#faults.get(request)
  }

  #open(request: IncomingMessage, response: ServerResponse): Line {
    const line: Line = { request, response, undecided: undefined, queued: undefined }
    this.#lines.set(request.socket, line)
    return line
  }

  /** Node says `close` of an answer only when its turn had come; what waits for it must hear of it all the same. */
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

/** Takes the place of what read it, Node's parser too: what comes is discarded, as far as that goes. */
export function ignoreInput(socket: Duplex): void {
  let left = ignoredBytes
  // Makes Node's parser let go of the bytes first, which it else takes before any listener.
  socket.on('data', () => undefined)
  socket.removeAllListeners('data')
  socket.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) socket.destroy()
  })
  socket.resume()
}
