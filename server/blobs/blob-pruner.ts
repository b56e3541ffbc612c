/** Removes blobs that nothing uses any more, now and then. */
import type { Logger } from '../platform/logger.ts'
import { Rounds } from '../platform/rounds.ts'
import type { Blobs } from './blobs.ts'

export interface BlobPrunerOptions {
  blobs: Pick<Blobs, 'prune'>
  /** Whether this process is the one that prunes. */
  mayPrune(): boolean
  logger: Logger
}

const everyMs = 10 * 60_000

export class BlobPruner {
  readonly #options: BlobPrunerOptions
  readonly #rounds: Rounds

  constructor(options: BlobPrunerOptions) {
    this.#options = options
    this.#rounds = new Rounds({
      everyMs,
      work: signal => this.#prune(signal),
      failed: err => options.logger.warn({ err }, 'blobs that nothing uses could not be removed'),
    })
  }

  start(): void {
    this.#rounds.start()
  }

  stop(): Promise<void> {
    return this.#rounds.stop()
  }

  run(): Promise<void> {
    return this.#rounds.run()
  }

  async #prune(signal: AbortSignal): Promise<void> {
    if (this.#options.mayPrune()) await this.#options.blobs.prune(signal)
  }
}
