/**
 * Writes large responses one per turn of the event loop, round-robin between callers. Without turns, 40 cached ones
 * would be written back to back while everyone else waits.
 */
import { JobQueue } from '../reading/job-queue.ts'

/** Characters up to which a response is written without a turn. */
const largeFrom = 64 * 1024
/** Waiting responses; further ones are written without a turn. */
const maxWaiting = 1_000

export class AnswerTurns {
  readonly #waiting = new JobQueue<() => void>({ maxWaiting, maxWaitingPerKey: maxWaiting })
  #isTaken = false

  /** Resolves when a response of `length` characters may be written, which must happen synchronously. */
  async wait(key: string, length: number): Promise<void> {
    if (length < largeFrom) return
    const { promise, resolve } = Promise.withResolvers<void>()
    if (!this.#waiting.add(key, resolve)) return
    if (!this.#isTaken) this.#next()
    return promise
  }

  #next(): void {
    const next = this.#waiting.take()
    this.#isTaken = next !== undefined
    if (!next) return
    setImmediate(() => this.#next())
    next.job()
  }
}
