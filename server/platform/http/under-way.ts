/** Answers that are under way: counted, so that a stop can wait for them, and whether their client left before it had all of them. */
import type { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { isHttp2 } from './http-form.ts'

export class UnderWay {
  #count = 0
  /** Made for the first who waits: most of the time none does. */
  #idle: PromiseWithResolvers<void> | undefined

  /** @param over Called once, when the response is closed: that comes for each, also when the client went away in the middle. */
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

  /** For what has no response yet. It never rejects. */
  until(work: Promise<unknown>): void {
    this.#count++
    void work.then(() => this.#ended())
  }

  /** Resolves when none is under way, at once when that is so now. */
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

/** Also of one that is open. */
export function hasLeft(raw: ClosableResponse): boolean {
  const isClosed = isHttp2(raw) ? (raw as unknown as Http2ServerResponse).stream.closed : raw.closed
  return isClosed && isCutShort(raw)
}

/** Of one that is closed. Over HTTP/2, Node calls one that was broken off finished as well. */
export function isCutShort(raw: ClosableResponse): boolean {
  return isHttp2(raw) ? !raw.writableEnded : !raw.writableFinished
}
