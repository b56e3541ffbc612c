/** A pause that ends after its time, or when woken. */
export class WakeableRest {
  #wake: () => void = () => undefined

  wake(): void {
    this.#wake()
  }

  /** Callers must check for work synchronously right before, so that no wake is missed. */
  async rest(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, ms)
    await promise
    clearTimeout(timer)
  }
}
