/** Lends the watching connection of an account whose mail server leaves no other: out of IDLE, some requests, and back into IDLE. */
import type { PooledConnection } from './connection-set.ts'
import type { MailConnection } from './mail-gateway.ts'

/** Requests in a row, before the server is asked for new mail again. */
const maxInRow = 8

export interface WatchLenderOptions {
  /** Whether anyone waits for a connection that cannot be had in another way. */
  isWanted(): boolean
  /** Gives it to the first who waits, who gives it back with `giveBack`. */
  serve(pooled: PooledConnection): void
}

export class WatchLender {
  readonly #options: WatchLenderOptions
  #lent: { pooled: PooledConnection; back: PromiseWithResolvers<void> } | undefined
  #isLending = false

  constructor(options: WatchLenderOptions) {
    this.#options = options
  }

  get isBusy(): boolean {
    return this.#isLending
  }

  /** Resolves when nobody wants it any more, or it has ended. */
  async lend(connection: MailConnection): Promise<void> {
    if (this.#isLending) return
    this.#isLending = true
    let isOpen = true
    connection.closed.then(() => {
      isOpen = false
    })
    try {
      while (isOpen && this.#options.isWanted()) {
        await connection.pause()
        for (let turn = 0; isOpen && turn < maxInRow && this.#options.isWanted(); turn++) await this.#serve(connection)
        await connection.resume()
      }
    } catch {
      // It has ended, which its watcher is told by `closed`. Those who wait are served by the next one.
    } finally {
      this.#isLending = false
    }
  }

  /** @returns Whether it was this one's to give back. */
  giveBack(pooled: PooledConnection): boolean {
    if (this.#lent?.pooled !== pooled) return false
    this.#lent.back.resolve()
    return true
  }

  async #serve(connection: MailConnection): Promise<void> {
    const pooled = { connection, generation: 0, isBusy: true, idleSince: 0, idleTimer: undefined }
    const back = Promise.withResolvers<void>()
    this.#lent = { pooled, back }
    this.#options.serve(pooled)
    await back.promise
    this.#lent = undefined
  }
}
