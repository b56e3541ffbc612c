/** One thing that is fetched before it is asked for, while the last one is written: a mail server and the disk are waited for at the same time. */

interface Begun<Found> {
  key: string
  found: Promise<Found>
}

export class ReadAhead<Found> {
  #begun: Begun<Found> | undefined

  /** Whether something is fetched, or was, and waits to be taken. */
  get isBegun(): boolean {
    return this.#begun !== undefined
  }

  /** @param key What tells it from all others. Whether it fails is told to the one that takes it. */
  begin(key: string, fetch: () => Promise<Found>): void {
    const found = fetch()
    found.catch(() => undefined)
    this.#begun = { key, found }
  }

  /** What was begun, if that is what is wanted; else it is fetched now, after the other one came. */
  async take(key: string, fetch: () => Promise<Found>): Promise<Found> {
    const begun = this.#begun
    if (begun?.key !== key) await this.forget()
    this.#begun = undefined
    return begun?.key === key ? begun.found : fetch()
  }

  /** What was begun is of no use any more. Resolves when it came. */
  async forget(): Promise<void> {
    const begun = this.#begun
    this.#begun = undefined
    await begun?.found.catch(() => undefined)
  }
}
