/** Runs periodic work, one round at a time; calls during a round share it. */
import { every } from './lifecycle.ts'

export interface RoundsOptions {
  everyMs: number
  /** @param signal Aborted by `stop`, which then waits for the round. */
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
    // The error was reported already.
    await this.#running?.catch(() => undefined)
  }

  run(): Promise<void> {
    this.#running ??= this.#options.work(this.#stopped.signal).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }
}
