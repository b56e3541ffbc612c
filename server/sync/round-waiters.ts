/** Callers that wait for a look at all folders: each for one that begins after it asked. */

/** Hears whether the look came to its end. */
export type RoundWaiter = (isOver: boolean) => void

export class RoundWaiters {
  readonly #waiting = new Set<RoundWaiter>()

  /** Resolves when they are released, and when the time is up. @returns Whether there was a look. */
  async wait(boundMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#waiting.add(resolve)
    const timer = setTimeout(() => resolve(false), boundMs)
    const isOver = await promise
    clearTimeout(timer)
    this.#waiting.delete(resolve)
    return isOver
  }

  /** Those that a round which begins now is for. */
  get now(): readonly RoundWaiter[] {
    return [...this.#waiting]
  }

  /** @param waiters Whose look is over; left out where there is none to wait for. */
  release(waiters?: readonly RoundWaiter[]): void {
    for (const resolve of waiters ?? this.#waiting) resolve(waiters !== undefined)
  }
}
