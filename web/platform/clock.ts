/** One shared ticker for all components that show time. */
import { useCallback, useSyncExternalStore } from 'react'

class Ticker {
  readonly #listeners = new Set<() => void>()
  #timer: ReturnType<typeof setInterval> | undefined

  /** Registers a listener; the timer runs only while there is one. */
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

/** Returns this machine's time in epoch milliseconds, rounded down to `stepMs`, and re-renders when it changes. */
export function useNow(stepMs: number): number {
  const read = useCallback(() => Math.floor(Date.now() / stepMs) * stepMs, [stepMs])
  return useSyncExternalStore(ticker.subscribe, read)
}
