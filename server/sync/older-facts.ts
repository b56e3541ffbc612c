/** When the facts of mail that was there before an account was followed are forwarded: those of several batches together, while the next is read and written. */

/** Between two times: each takes several statements, in three threads. */
const betweenMs = 250

/** For one account. */
export class OlderFacts {
  readonly #forward: () => Promise<void>
  /** The last time. */
  #forwarding: Promise<void> = Promise.resolve()
  #forwardedAt = Number.NEGATIVE_INFINITY
  /** Whether a batch was written since. */
  #isUntold = false

  /** @param forward All that is not forwarded yet. */
  constructor(forward: () => Promise<void>) {
    this.#forward = forward
  }

  /** After a batch. @throws when it failed the last time */
  async wrote(): Promise<void> {
    this.#isUntold = true
    if (performance.now() - this.#forwardedAt < betweenMs) return
    const before = this.#forwarding
    this.#begin()
    await before
  }

  /** Waits until all is forwarded. @throws when that failed */
  async settle(): Promise<void> {
    if (this.#isUntold) {
      // What failed then is forwarded with the rest.
      await this.#forwarding.catch(() => undefined)
      this.#begin()
    }
    const last = this.#forwarding
    try {
      await last
    } finally {
      // It is told once; the next change forwards it too.
      if (this.#forwarding === last) this.#forwarding = Promise.resolve()
    }
  }

  #begin(): void {
    this.#forwardedAt = performance.now()
    this.#isUntold = false
    this.#forwarding = this.#forward()
    // Told by the next one, or by `settle`.
    this.#forwarding.catch(() => undefined)
  }
}
