/** Pauses the IDLE of watching connections while this server changes many messages of the folder that they watch. */
import type { MailConnection } from './mail-gateway.ts'

/** Longest pause in milliseconds; a change that takes longer goes on with IDLE active. New mail is announced after the pause. */
const mostMs = 1_000

export class WatchRest {
  readonly #watching: () => Iterable<MailConnection>
  readonly #ended: () => void
  /** Paused connections; each promise resolves when IDLE has ended. */
  readonly #resting = new Map<MailConnection, Promise<void>>()
  #timer: NodeJS.Timeout | undefined

  /**
   * @param watching The watching connections that no request has borrowed.
   * @param ended Called when they may be lent again.
   */
  constructor(watching: () => Iterable<MailConnection>, ended: () => void) {
    this.#watching = watching
    this.#ended = ended
  }

  /** Pauses until `end`, for a bounded time. @param paths The folders that are about to be changed. */
  begin(paths: readonly string[]): void {
    for (const connection of this.#watching()) {
      const { openFolder, isWatching } = connection
      if (!isWatching || openFolder === undefined || !paths.includes(openFolder)) continue
      const paused = connection.pause()
      // A connection that has ended is reported to its watcher elsewhere.
      paused.catch(() => undefined)
      this.#resting.set(connection, paused)
    }
    if (this.#resting.size === 0) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.end(), mostMs).unref()
  }

  /** Resumes IDLE, with which the mail server reports mail that arrived during the pause. */
  end(): void {
    clearTimeout(this.#timer)
    for (const [connection, paused] of this.#resting) {
      this.#resting.delete(connection)
      void paused.then(() => connection.resume()).then(this.#ended, this.#ended)
    }
  }
}
