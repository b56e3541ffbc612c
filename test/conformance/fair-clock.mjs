/**
 * Counts the time in which this process really ran. A machine that stands still for a while, or has other work, delays the
 * script as much as the server, and that breaks no promise.
 */
import { setTimeout as pause } from 'node:timers/promises'

const tickMs = 50
/** Milliseconds that one tick counts at most, however late it fires. */
const mostMs = 2 * tickMs

export class FairClock {
  #passedMs = 0
  #last = performance.now()
  #timer = setInterval(() => this.#turn(), tickMs).unref()

  stop() {
    clearInterval(this.#timer)
  }

  now() {
    return this.#passedMs + Math.min(performance.now() - this.#last, mostMs)
  }

  /** Polls, also after each change, until `find` succeeds or the time is over. */
  async until(find, change, ms, describe) {
    const end = this.now() + ms
    for (;;) {
      const found = find()
      if (found) return found
      if (this.now() >= end) throw new Error(`${describe()} within ${ms / 1000} s`)
      await Promise.race([change(), pause(tickMs)])
    }
  }

  /** Applies the same bound to one promise. */
  async within(ms, promise, what) {
    let settled
    const outcome = promise.then(
      value => {
        settled = { value }
      },
      error => {
        settled = { error }
      },
    )
    await this.until(
      () => settled,
      () => outcome,
      ms,
      () => `no ${what}`,
    )
    if (settled.error) throw settled.error
    return settled.value
  }

  #turn() {
    this.#passedMs = this.now()
    this.#last = performance.now()
  }
}
