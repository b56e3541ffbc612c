/** A loop of rounds, one at a time. After each it rests as long as the round says, until it is woken or stopped. */
import { isStopping } from './problem.ts'
import type { TimerClock } from './timer-clock.ts'

export interface WokenLoopOptions {
  /** @returns How long there is nothing to do, in milliseconds: 0 for the next round at once, undefined until it is woken. */
  round(): Promise<number | undefined>
  /** A round failed, and not because of the stop. */
  failed(error: unknown): void
  /** The rest after a round that failed, in milliseconds. */
  againMs: number
  clock: Pick<TimerClock, 'after'>
}

export class WokenLoop {
  readonly #options: WokenLoopOptions
  readonly #stopped = new AbortController()
  readonly #running: Promise<void>
  #endRest: () => void = () => undefined
  #isWoken = true

  /** Its first round begins behind the current turn: its owner finishes its own constructor first. */
  constructor(options: WokenLoopOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  wake(): void {
    this.#isWoken = true
    this.#endRest()
  }

  /** Resolves when the round that is under way has ended. */
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
