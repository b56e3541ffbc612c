/** Starts parts in order and stops them in reverse, each within its bound. Owns promises that nobody awaits. */
import type { Logger } from './logger.ts'

export interface Part {
  name: string
  start?(): Promise<void> | void
  stop?(): Promise<void> | void
}

/** Of the time for a stop: what hangs leaves it to those that stop after it, the database among them. */
const reserveMs = 1_500

export class Lifecycle {
  readonly #logger: Logger
  readonly #started: Part[] = []
  #isStopping = false

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** When a part fails, those before it are stopped again and the error flies. */
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

  /** Never throws; a part that does not end in time is named and left. */
  async stop(boundMs: number): Promise<void> {
    this.#isStopping = true
    // By a clock that nobody sets.
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

/** Runs `tick` every `ms` until the signal ends it; a tick that throws is handed to `onError` and the loop goes on. */
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
