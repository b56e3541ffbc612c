/** Starts parts in order, and stops them in reverse, each within a timeout. */
import type { Logger } from './logger.ts'

export interface Part {
  name: string
  start?(): Promise<void> | void
  stop?(): Promise<void> | void
}

/** Part of the stop timeout that a hanging part leaves to those that stop after it, such as the database. */
const reserveMs = 1_500

export class Lifecycle {
  readonly #logger: Logger
  readonly #started: Part[] = []
  #isStopping = false

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Starts parts. If one fails, those already started are stopped, and the error is rethrown. */
  async start(parts: readonly Part[]): Promise<void> {
    for (const part of parts) {
      if (this.#isStopping) throw new Error('stopped while starting')
      this.#started.push(part)
      try {
        await part.start?.()
      } catch (error) {
        await this.stop(2_000)
        throw error
      }
    }
  }

  /** Stops all parts. Never throws; a part that does not stop in time is logged and abandoned. */
  async stop(boundMs: number): Promise<void> {
    this.#isStopping = true
    // Monotonic clock.
    const end = performance.now() + boundMs
    for (const part of this.#started.splice(0).reverse()) {
      const left = end - performance.now()
      const bound = Math.max(50, left - reserveMs, left / 2)
      const outcome = await withinBound(bound, async () => part.stop?.())
      if (outcome !== 'done') this.#logger.warn({ part: part.name, outcome }, 'a part did not stop cleanly')
    }
  }
}

async function withinBound(ms: number, stop: () => Promise<unknown>): Promise<'done' | 'timeout' | unknown> {
  let timer: NodeJS.Timeout | undefined
  const bound = new Promise<'timeout'>(resolve => {
    timer = setTimeout(() => resolve('timeout'), ms)
  })
  try {
    return await Promise.race([stop().then(() => 'done' as const), bound])
  } catch (error) {
    return error
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Runs `tick` every `ms` until the signal is aborted; errors of a tick are passed to `onError`, and the loop continues.
 */
export function every(ms: number, signal: AbortSignal, tick: () => void, onError: (error: unknown) => void): void {
  if (signal.aborted) return
  const timer = setInterval(() => {
    try {
      tick()
    } catch (error) {
      onError(error)
    }
  }, ms)
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
}
