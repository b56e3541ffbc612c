/** One ticker for all that shows time. */
import { useCallback, useSyncExternalStore } from 'react'

class Ticker {
  readonly #listeners = new Set<() => void>()
  #timer: ReturnType<typeof setInterval> | undefined

  /** Runs only while somebody listens. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    this.#timer ??= setInterval(() => this.#tick(), 1_000)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #tick(): void {
    for (const listener of this.#listeners) listener()
  }
}

const ticker = new Ticker()

/** The time of this machine in epoch milliseconds, rounded down to `stepMs`; the component draws again when it changes. */
export function useNow(stepMs: number): number {
  const read = useCallback(() => Math.floor(Date.now() / stepMs) * stepMs, [stepMs])
  return useSyncExternalStore(ticker.subscribe, read)
}
