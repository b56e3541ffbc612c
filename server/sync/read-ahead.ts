/** Prefetches one item while the previous one is written, so that network and disk latency overlap. */

interface Begun<Found> {
  key: string
  found: Promise<Found>
}

export class ReadAhead<Found> {
  #begun: Begun<Found> | undefined

  /** True while an item is being fetched or waits to be taken. */
  get isBegun(): boolean {
    return this.#begun !== undefined
  }

  /** @param key Identifies the item. A failure is reported to the caller that takes it. */
  begin(key: string, fetch: () => Promise<Found>): void {
    const found = fetch()
    found.catch(() => undefined)
    this.#begun = { key, found }
  }

  /**
   * Returns the prefetched item if it is the wanted one; else waits for it, discards it, and fetches the wanted one.
   */
  async take(key: string, fetch: () => Promise<Found>): Promise<Found> {
    const begun = this.#begun
    if (begun?.key !== key) await this.forget()
    this.#begun = undefined
    return begun?.key === key ? begun.found : fetch()
  }

  /** Discards the prefetched item. Resolves when its fetch has ended. */
  async forget(): Promise<void> {
    const begun = this.#begun
    this.#begun = undefined
    await begun?.found.catch(() => undefined)
  }
}
