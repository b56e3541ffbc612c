/** When the operations of an account were settled: each later than the one before it, also when the clock is set back, so that what was done last can be undone first. */
import type { Lease } from '../platform/lease.ts'

/** What is further ahead was written by a clock that was wrong. */
const mostAheadMs = 24 * 60 * 60_000

export class SettledTimes {
  readonly #now: () => number
  #last = 0
  #under: Lease | undefined

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** Under a lease that is new here others may have settled some since. @param last When the last one that is stored was settled; null where there is none. */
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
