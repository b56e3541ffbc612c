/** Look-ups that begin in one turn of the event loop are one statement: each alone is a way to another thread or machine and back. */

/** A busy loop has long turns. */
const gatherMs = 5

export interface GatheredLookupsOptions<Row> {
  /** Answers the rows that there are, in any order. A key may be named twice. */
  find(keys: readonly string[]): Promise<readonly Row[]>
  keyOf(row: Row): string
  /** Keys of one statement. */
  most: number
}

interface Waiting<Row> {
  key: string
  resolve(row: Row | undefined): void
  reject(error: unknown): void
}

/** Bounds only a statement, and how long it is gathered for: the caller bounds how many look-ups are under way. */
export class GatheredLookups<Row> {
  readonly #options: GatheredLookupsOptions<Row>
  #waiting: Waiting<Row>[] = []
  #since = 0

  constructor(options: GatheredLookupsOptions<Row>) {
    this.#options = options
  }

  /** Reads no earlier than when it is called. */
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
   * Node accepts one connection in a turn of its loop, so those who come at the same moment ask in turns that follow each other: it
   * waits as long as each brings one more. A pending immediate keeps the loop from sleeping meanwhile.
   */
  #gather(before: number): void {
    const waiting = this.#waiting
    setImmediate(() => {
      // Sent already, and others may have come since.
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

/** To a power of two, with the last key: a statement for each number would fill the cache of prepared ones. */
function padded(keys: readonly string[]): string[] {
  const length = 2 ** Math.ceil(Math.log2(keys.length))
  return [...keys, ...new Array<string>(length - keys.length).fill(keys.at(-1)!)]
}
