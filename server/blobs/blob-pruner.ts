/** Removes blobs that nothing uses any more, now and then. */
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
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
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: BlobPrunerOptions) {
    this.#options = options
  }

  start(): void {
    const failed = (err: unknown) => this.#options.logger.warn({ err }, 'blobs that nothing uses could not be removed')
    every(everyMs, this.#stopped.signal, () => void this.run().catch(failed), failed)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    // Its failure was logged.
    await this.#running?.catch(() => undefined)
  }

  /** One at a time. */
  run(): Promise<void> {
    this.#running ??= this.#prune().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #prune(): Promise<void> {
    if (this.#options.mayPrune()) await this.#options.blobs.prune(this.#stopped.signal)
  }
}
