/**
 * How long a body may take to come: as a rule a minute; a file that is uploaded as long as it keeps coming. Node bounds whole requests only, all of
 * them alike, and those of HTTP/2 not at all.
 */

import type { IncomingMessage } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { Problem } from '../problem.ts'
import { unlessLate } from '../waits.ts'
import { hasBody } from './http-body.ts'

/** Of a file: so long its sender may be waited for altogether, and each byte that comes pays some of that back. */
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

  /** From when its head is there. @param cut Is called when the body is late. */
  watch(request: IncomingMessage, cut: () => void): void {
    if (request.complete || isWithoutBody(request)) return
    const timer = setTimeout(() => {
      if (!request.complete) cut()
    }, this.#bodyMs)
    this.#timers.set(request, timer)
    const done = () => clearTimeout(timer)
    request.once('end', done).once('close', done)
  }

  /** From here on it is read by `paced`. */
  release(request: IncomingMessage): void {
    clearTimeout(this.#timers.get(request))
  }
}

/**
 * Over HTTP/2 a request is complete only once somebody has read its end, and of one without a body nobody does. Over HTTP/1.1 its head says
 * what follows (RFC 9112, section 6.3); a clock for each request that has none would cost some of them a thirtieth of their time.
 */
function isWithoutBody(request: IncomingMessage): boolean {
  return 'stream' in request ? (request.stream as ServerHttp2Stream).endAfterHeaders : !hasBody(request)
}

/**
 * The pieces of an upload. What its sender takes longer than its pace allows ends it; the time that its reader takes does not count.
 * @throws Problem `request_timeout`.
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
    // Where its sender is waited for, this would wait as well.
    pieces.return?.()?.catch(() => undefined)
  }
}

function tooSlow(): never {
  throw new Problem('request_timeout', 'The file came too slowly; send at least 8 KiB a second.')
}
