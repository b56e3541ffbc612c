/** Batches the forwarding of facts about mail that predates the account, while the next batch is read and written. */

/** Minimum interval between two forwardings, each of which takes several statements on three threads. */
const betweenMs = 250

/** Batches the facts of one account. */
export class OlderFacts {
  readonly #forward: () => Promise<void>
  /** The last forwarding. */
  #forwarding: Promise<void> = Promise.resolve()
  #forwardedAt = Number.NEGATIVE_INFINITY
  /** True when a batch was written since. */
  #isUntold = false

  /** @param forward Forwards all pending facts. */
  constructor(forward: () => Promise<void>) {
    this.#forward = forward
  }

  /** Called after a batch. @throws when the last forwarding failed */
  async wrote(): Promise<void> {
    this.#isUntold = true
    if (performance.now() - this.#forwardedAt < betweenMs) return
    const before = this.#forwarding
    this.#begin()
    await before
  }

  /** Waits until all facts are forwarded. @throws when that failed */
  async settle(): Promise<void> {
    if (this.#isUntold) {
      // Facts that failed are forwarded with the rest.
      await this.#forwarding.catch(() => undefined)
      this.#begin()
    }
    const last = this.#forwarding
    try {
      await last
    } finally {
      // An error is thrown once; the next change forwards the facts too.
      if (this.#forwarding === last) this.#forwarding = Promise.resolve()
    }
  }

  #begin(): void {
    this.#forwardedAt = performance.now()
    this.#isUntold = false
    this.#forwarding = this.#forward()
    // Reported by the next `wrote` or `settle`.
    this.#forwarding.catch(() => undefined)
  }
}
