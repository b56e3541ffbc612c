/** Waits until the server responds again after something failed to load; all waiters share one poll. */
import { isServerAlive } from './server-alive.ts'

const pausesMs = [250, 1_000, 2_000, 4_000, 8_000] as const
const answerMs = 5_000

export class ServerReturn {
  readonly #listeners = new Set<() => void>()
  #waiting: Promise<void> | undefined

  /** Resolves immediately if the server responds, else as soon as it does; it never gives up. */
  async whenThere(): Promise<void> {
    if (await isServerAlive(AbortSignal.timeout(answerMs))) return
    this.#waiting ??= this.#ask().finally(() => {
      this.#waiting = undefined
      this.#tell()
    })
    this.#tell()
    await this.#waiting
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly isWaiting = (): boolean => this.#waiting !== undefined

  async #ask(): Promise<void> {
    for (let asked = 0; ; asked++) {
      await pause(pausesMs[Math.min(asked, pausesMs.length - 1)]!)
      if (await isServerAlive(AbortSignal.timeout(answerMs))) return
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** Waits, or until the browser reports that it is online again. */
function pause(ms: number): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      removeEventListener('online', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    addEventListener('online', done)
  })
}
