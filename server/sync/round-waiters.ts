/** Callers that wait for a round over all folders, each for one that begins after its request. */

/** Called with whether the round succeeded. */
export type RoundWaiter = (isOver: boolean) => void

export class RoundWaiters {
  readonly #waiting = new Set<RoundWaiter>()

  /** Resolves when released, or after `boundMs`. @returns Whether there was a round. */
  async wait(boundMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#waiting.add(resolve)
    const timer = setTimeout(() => resolve(false), boundMs)
    const isOver = await promise
    clearTimeout(timer)
    this.#waiting.delete(resolve)
    return isOver
  }

  /** The waiters that a round which begins now will release. */
  get now(): readonly RoundWaiter[] {
    return [...this.#waiting]
  }

  /** @param waiters Those whose round has ended; all of them, without success, unless given. */
  release(waiters?: readonly RoundWaiter[]): void {
    for (const resolve of waiters ?? this.#waiting) resolve(waiters !== undefined)
  }
}
