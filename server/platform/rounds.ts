/** Work that is done now and then, one round at a time: what is asked for while one is under way is that one. */
import { every } from './lifecycle.ts'

export interface RoundsOptions {
  everyMs: number
  /** @param signal Of the stop, which waits for the round. */
  work(signal: AbortSignal): Promise<void>
  failed(error: unknown): void
}

export class Rounds {
  readonly #options: RoundsOptions
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: RoundsOptions) {
    this.#options = options
  }

  start(): void {
    const { everyMs, failed } = this.#options
    every(everyMs, this.#stopped.signal, () => void this.run().catch(failed), failed)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    // Its failure was reported.
    await this.#running?.catch(() => undefined)
  }

  run(): Promise<void> {
    this.#running ??= this.#options.work(this.#stopped.signal).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }
}
