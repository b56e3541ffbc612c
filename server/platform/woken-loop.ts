/** A loop that runs one round at a time, and rests after each as long as the round returns, until woken or stopped. */
import { isStopping } from './problem.ts'
import type { TimerClock } from './timer-clock.ts'

export interface WokenLoopOptions {
  /** @returns Milliseconds to rest: 0 for another round immediately, undefined to rest until woken. */
  round(): Promise<number | undefined>
  /** Called if a round failed, unless because of the stop. */
  failed(error: unknown): void
  /** Milliseconds to rest after a failed round. */
  againMs: number
  clock: Pick<TimerClock, 'after'>
}

export class WokenLoop {
  readonly #options: WokenLoopOptions
  readonly #stopped = new AbortController()
  readonly #running: Promise<void>
  #endRest: () => void = () => undefined
  #isWoken = true

  /** The first round is deferred to a microtask, so that the owner's constructor finishes first. */
  constructor(options: WokenLoopOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  wake(): void {
    this.#isWoken = true
    this.#endRest()
  }

  /** Stops the loop; resolves when the round in progress has ended. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#endRest()
    await this.#running
  }

  async #run(): Promise<void> {
    const { round, failed, againMs, clock } = this.#options
    const { signal } = this.#stopped
    await Promise.resolve()
    while (!signal.aborted) {
      this.#isWoken = false
      const restMs = await round().catch((error: unknown) => {
        if (!signal.aborted && !isStopping(error)) failed(error)
        return againMs
      })
      if (restMs === 0 || signal.aborted) continue
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#endRest = resolve
      const callOff = restMs === undefined ? () => undefined : clock.after(restMs, resolve)
      if (!this.#isWoken) await promise
      callOff()
    }
  }
}
