/** Takes connections out of IDLE while many messages of the folder that they watch are changed by this server, and back into it. */
import type { MailConnection } from './mail-gateway.ts'

/** A mail server that takes longer is woken for each message from then on: mail that comes meanwhile is announced later. */
const mostMs = 1_000

export class WatchRest {
  readonly #watching: () => Iterable<MailConnection>
  readonly #ended: () => void
  /** Resolves when it has left IDLE. */
  readonly #resting = new Map<MailConnection, Promise<void>>()
  #timer: NodeJS.Timeout | undefined

  /**
   * @param watching Those that nobody has on loan.
   * @param ended Hears when they may be lent again.
   */
  constructor(watching: () => Iterable<MailConnection>, ended: () => void) {
    this.#watching = watching
    this.#ended = ended
  }

  /** Until `end`, and not for long. @param paths Of the folders that are about to be changed. */
  begin(paths: readonly string[]): void {
    for (const connection of this.#watching()) {
      const { openFolder, isWatching } = connection
      if (!isWatching || openFolder === undefined || !paths.includes(openFolder)) continue
      const paused = connection.pause()
      // It has ended, which its watcher is told.
      paused.catch(() => undefined)
      this.#resting.set(connection, paused)
    }
    if (this.#resting.size === 0) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.end(), mostMs).unref()
  }

  /** What came meanwhile the mail server tells with the next IDLE. */
  end(): void {
    clearTimeout(this.#timer)
    for (const [connection, paused] of this.#resting) {
      this.#resting.delete(connection)
      void paused.then(() => connection.resume()).then(this.#ended, this.#ended)
    }
  }
}
