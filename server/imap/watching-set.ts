/** The open watching connections of one account: one, but while it is replaced. Lends it where its mail server leaves no other. */
import type { PooledConnection } from './connection-set.ts'
import type { MailConnection } from './mail-gateway.ts'
import type { Watched } from './pool-size.ts'
import { WatchLender, type WatchLenderOptions } from './watch-lender.ts'

export class WatchingSet {
  readonly #connections = new Set<MailConnection>()
  readonly #lender: WatchLender
  /** Until it is not watched any more. */
  #isWatched = false
  #opening = 0

  constructor(lending: WatchLenderOptions) {
    this.#lender = new WatchLender(lending)
  }

  get size(): number {
    return this.#connections.size
  }

  get isWatched(): boolean {
    return this.#isWatched
  }

  get watched(): Watched {
    return { isWatched: this.#isWatched, watching: Math.min(1, this.size + this.#opening) }
  }

  /** One that is about to come: what is had of the server leaves room for it meanwhile. */
  async opening<T>(open: () => Promise<T>): Promise<T> {
    this.#isWatched = true
    this.#opening++
    try {
      return await open()
    } finally {
      this.#opening--
    }
  }

  add(connection: MailConnection): void {
    this.#connections.add(connection)
  }

  remove(connection: MailConnection): void {
    this.#connections.delete(connection)
  }

  forgetWatching(): void {
    this.#isWatched = false
  }

  /** Finds out now whether it still stands. */
  check(): void {
    for (const connection of this.#connections) connection.check()
  }

  /** Resolves when nobody wants it any more; at once when it cannot be lent now. */
  async lend(): Promise<void> {
    const [connection] = this.#connections
    if (connection?.isWatching) await this.#lender.lend(connection)
  }

  /** Resolves when they have ended; their watchers are told so. */
  async close(): Promise<void> {
    await Promise.all([...this.#connections].map(connection => connection.close()))
  }

  /** @returns Whether it was lent from here. */
  giveBack(pooled: PooledConnection): boolean {
    return this.#lender.giveBack(pooled)
  }

  closeOne(): boolean {
    const [connection] = this.#connections
    // Never rejects; its end is awaited by whoever holds its slot.
    void connection?.close()
    return connection !== undefined
  }
}
