/**
 * Timeouts for receiving bodies: normally a minute; uploads of files may continue while they keep up a minimum rate.
 * Node only has a timeout for whole requests, the same for all, and none for HTTP/2.
 */

import type { IncomingMessage } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { Problem } from '../problem.ts'
import { unlessLate } from '../waits.ts'
import { hasBody } from './http-body.ts'

/** Pace of an upload: the total waiting time allowed, of which each received byte earns some back. */
export interface UploadPace {
  graceMs: number
  bytesPerSecond: number
}

export const usualPace: UploadPace = { graceMs: 60_000, bytesPerSecond: 8 * 1024 }

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
