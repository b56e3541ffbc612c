/** Callers that wait for a look at all folders: each for one that begins after it asked. */

export class RoundWaiters {
  readonly #waiting = new Set<() => void>()

  /** Resolves when they are released, and when the time is up. */
  async wait(boundMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    const timer = setTimeout(resolve, boundMs)
    await promise
    clearTimeout(timer)
    this.#waiting.delete(resolve)
  }

  /** Those that a round which begins now is for. */
  get now(): readonly (() => void)[] {
    return [...this.#waiting]
  }

  release(waiters: Iterable<() => void> = this.#waiting): void {
    for (const resolve of waiters) resolve()
  }
}
