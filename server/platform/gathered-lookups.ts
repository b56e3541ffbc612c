/** Batches look-ups that begin about the same time into one statement, to save round trips to a thread or machine. */

/** Upper bound on gathering, since turns of a busy event loop are long. */
const gatherMs = 5

export interface GatheredLookupsOptions<Row> {
  /** Returns the rows that exist, in any order. Keys may contain duplicates. */
  find(keys: readonly string[]): Promise<readonly Row[]>
  keyOf(row: Row): string
  /** Keys per statement; at this number it is sent immediately. */
  most: number
}

interface Waiting<Row> {
  key: string
  resolve(row: Row | undefined): void
  reject(error: unknown): void
}

/** Bounds the size of a statement and the gathering time; the caller bounds the look-ups in flight. */
export class GatheredLookups<Row> {
  readonly #options: GatheredLookupsOptions<Row>
  #waiting: Waiting<Row>[] = []
  #since = 0

  constructor(options: GatheredLookupsOptions<Row>) {
    this.#options = options
  }

  /** Looks up a key; never returns data read before the call. */
  find(key: string): Promise<Row | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Row | undefined>()
    this.#waiting.push({ key, resolve, reject })
    if (this.#waiting.length === 1) {
      this.#since = performance.now()
      this.#gather(0)
    } else if (this.#waiting.length >= this.#options.most) this.#send()
    return promise
  }

  /**
   * Waits as long as each turn of the event loop adds a look-up: Node accepts one connection per turn, so simultaneous
   * requests arrive in consecutive turns. A pending immediate keeps the loop from sleeping meanwhile.
   */
  #gather(before: number): void {
    const waiting = this.#waiting
    setImmediate(() => {
      // This batch was sent already, and another may have begun.
      if (waiting !== this.#waiting) return
      if (waiting.length === before || performance.now() - this.#since >= gatherMs) this.#send()
      else this.#gather(waiting.length)
    })
  }

  #send(): void {
    const waiting = this.#waiting
    this.#waiting = []
    void this.#answer(waiting)
  }

  async #answer(waiting: readonly Waiting<Row>[]): Promise<void> {
    const { find, keyOf } = this.#options
    try {
      const rows = await find(padded(waiting.map(({ key }) => key)))
      const found = new Map(rows.map(row => [keyOf(row), row]))
      for (const { key, resolve } of waiting) resolve(found.get(key))
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }
}

/** Pads keys to a power of two by repeating the last one, so that few distinct statements are prepared. */
function padded(keys: readonly string[]): string[] {
  const length = 2 ** Math.ceil(Math.log2(keys.length))
  return [...keys, ...new Array<string>(length - keys.length).fill(keys.at(-1)!)]
}
