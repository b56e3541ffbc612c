/**
 * Large answers are written one in a turn of the loop, callers in turn. What is in memory is there at once for all who ask: without this, 40
 * of them would be written in one go, and everybody else would wait for all.
 */
import { JobQueue } from '../reading/job-queue.ts'

/** Characters that are written at once, without a turn. */
const largeFrom = 64 * 1024
/** What comes past it is answered without a turn. */
const maxWaiting = 1_000

export class AnswerTurns {
  readonly #waiting = new JobQueue<() => void>({ maxWaiting, maxWaitingPerKey: maxWaiting })
  #isTaken = false

  /** Resolves when an answer of so many characters may be written, which is to happen at once. */
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
