/** A rest that ends when its time is up, or when something is to be done. */
export class WakeableRest {
  #wake: () => void = () => undefined

  wake(): void {
    this.#wake()
  }

  /** What looks for something to do right before it, with no step in between, misses no wake. */
  async rest(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, ms)
    await promise
    clearTimeout(timer)
  }
}
