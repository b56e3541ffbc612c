/**
 * Counts answers in progress, so that a stop can wait for them, and tells whether a client disconnected before the end.
 */
import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { isHttp2 } from './http-form.ts'

export class UnderWay {
  #count = 0
  /** Created lazily for the first waiter. */
  #idle: PromiseWithResolvers<void> | undefined

  /** Counts a response. @param over Called once when it is closed, even if the client disconnected in the middle. */
  begin(response: ServerResponse, over: () => void): void {
    this.#count++
    // An event stream over HTTP/2 outlives what Node calls its response.
    const stream = 'stream' in response ? (response.stream as EventEmitter) : undefined
    stream?.once('close', () => this.#ended())
    response.once('close', () => {
      if (!stream) this.#ended()
      over()
    })
  }

  /** Counts work without a response until it resolves. @param work Must never reject. */
  until(work: Promise<unknown>): void {
    this.#count++
    void work.then(() => this.#ended())
  }

  /** Resolves when nothing is in progress, immediately if that is already the case. */
  whenIdle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    this.#idle ??= Promise.withResolvers()
    return this.#idle.promise
  }

  #ended(): void {
    this.#count--
    if (this.#count > 0) return
    this.#idle?.resolve()
    this.#idle = undefined
  }
}

export interface ClosableResponse {
  readonly closed: boolean
  readonly writableEnded: boolean
  readonly writableFinished: boolean
}

/** Whether the client disconnected before the end of the answer; false while the response is open. */
export function hasLeft(raw: ClosableResponse): boolean {
  const isClosed = isHttp2(raw) ? (raw as unknown as Http2ServerResponse).stream.closed : raw.closed
  return isClosed && isCutShort(raw)
}

/** Whether a closed response was truncated. Over HTTP/2, Node reports truncated ones as finished, too. */
export function isCutShort(raw: ClosableResponse): boolean {
  return isHttp2(raw) ? !raw.writableEnded : !raw.writableFinished
}
