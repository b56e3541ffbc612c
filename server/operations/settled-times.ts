/**
 * Times at which an account's operations are settled. They are monotonic even if the clock is set back, so that what
 * was done last can be undone first.
 */
import type { Lease } from '../platform/lease.ts'

/** Milliseconds by which the last time may be ahead; beyond that it is ignored, since a wrong clock wrote it. */
const mostAheadMs = 24 * 60 * 60_000

export class SettledTimes {
  readonly #now: () => number
  #last = 0
  #under: Lease | undefined

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /**
   * Continues after the stored times once per lease, since others may have settled operations before it.
   * @param last Reads the last stored time; null if there is none.
   */
  async goOn(lease: Lease, last: () => Promise<string | null>): Promise<void> {
    if (this.#under === lease) return
    const at = await last()
    if (at !== null) this.#last = Math.max(this.#last, Date.parse(at))
    this.#under = lease
  }

  next(): string {
    const now = this.#now()
    this.#last = this.#last > now + mostAheadMs ? now : Math.max(this.#last + 1, now)
    return new Date(this.#last).toISOString()
  }
}
