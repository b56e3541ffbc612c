/**
 * An answer of HTTP/1.1 of which its client takes nothing ends with its connection: else it holds memory, and what it is read from, for as
 * long as the client likes. What is taken slowly goes on.
 */
import type { ServerResponse } from 'node:http'

/** For so long nothing is taken: a person may pause a download. */
export const unreadMs = 120_000

type Bare = Omit<ServerResponse, 'write' | 'end'> & {
  write(...given: unknown[]): boolean
  end(...given: unknown[]): unknown
}

/** For the option `ServerResponse` of a server. */
export function boundUnread(Base: typeof ServerResponse, ms: number): typeof ServerResponse {
  const watched = new WeakSet<object>()
  const watch = (response: Bare): void => {
    const { socket } = response
    // Behind another answer of its connection.
    if (socket === null) return void response.once('socket', () => watch(response))
    if (watched.has(response)) return
    watched.add(response)
    // Its clock knows each piece that leaves. Node cuts a connection whose time is over.
    socket.setTimeout(ms)
    const taken = () => {
      watched.delete(response)
      response.off('drain', taken).off('finish', taken)
      socket.setTimeout(0)
    }
    // Before Node sets it to what a connection without a request may wait.
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
