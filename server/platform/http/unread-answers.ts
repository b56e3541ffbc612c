/**
 * Closes HTTP/1.1 connections whose client stops reading an answer, which otherwise would hold memory and the answer's
 * source indefinitely. Slow readers are not affected.
 */
import type { ServerResponse } from 'node:http'

/** Timeout without progress; long, since a person may pause a download. */
export const unreadMs = 120_000

type Bare = Omit<ServerResponse, 'write' | 'end'> & {
  write(...given: unknown[]): boolean
  end(...given: unknown[]): unknown
}

/** Returns a class for a server's `ServerResponse` option. */
export function boundUnread(Base: typeof ServerResponse, ms: number): typeof ServerResponse {
  const watched = new WeakSet<object>()
  const watch = (response: Bare): void => {
    const { socket } = response
    // Queued after another answer of its connection.
    if (socket === null) return void response.once('socket', () => watch(response))
    if (watched.has(response)) return
    watched.add(response)
    // The socket's timeout restarts with each chunk sent; Node destroys a connection that times out.
    socket.setTimeout(ms)
    const taken = () => {
      watched.delete(response)
      response.off('drain', taken).off('finish', taken)
      socket.setTimeout(0)
    }
    // Prepended, to reset the timeout before Node sets its keep-alive timeout.
    response.prependListener('drain', taken).prependListener('finish', taken)
  }
  class Response extends (Base as unknown as new () => Bare) {
    override write(chunk: unknown, encoding?: unknown, done?: unknown): boolean {
      const isTaken = super.write(chunk, encoding, done)
      if (!isTaken) watch(this)
      return isTaken
    }

    override end(chunk?: unknown, encoding?: unknown, done?: unknown): this {
      super.end(chunk, encoding, done)
      if (!this.writableFinished) watch(this)
      return this
    }
  }
  return Response as unknown as typeof ServerResponse
}
