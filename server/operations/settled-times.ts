/** When the operations of an account were settled: each later than the one before it, also when the clock is set back, so that what was done last can be undone first. */

/** What is further ahead was written by a clock that was wrong. */
const mostAheadMs = 24 * 60 * 60_000

export class SettledTimes {
  readonly #now: () => number
  #last = 0

  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  /** @param at Of the last one that is stored. */
  startAfter(at: string | null): void {
    if (at !== null) this.#last = Math.max(this.#last, Date.parse(at))
  }

  next(): string {
    const now = this.#now()
    this.#last = this.#last > now + mostAheadMs ? now : Math.max(this.#last + 1, now)
    return new Date(this.#last).toISOString()
  }
}
