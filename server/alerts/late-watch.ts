/** Reads every 30 s what is late, so that each sample of the history has it at hand. */
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { LateFigures, LateStore } from './late-store.ts'

export interface LateWatchOptions {
  store: Pick<LateStore, 'read'>
  /** Epoch milliseconds. */
  now(): number
  logger: Logger
}

const readEveryMs = 30_000
const minute = 60_000
const day = 24 * 60 * minute
export const lateAfter = { sendingMs: 15 * minute, approvalMs: 30 * minute, tokenMs: 30 * day } as const

export class LateWatch {
  readonly #options: LateWatchOptions
  readonly #stopped = new AbortController()
  #figures: LateFigures | undefined
  #reading: Promise<void> | undefined

  constructor(options: LateWatchOptions) {
    this.#options = options
  }

  start(): void {
    const failed = (err: unknown) => this.#options.logger.error({ err }, 'what is late could not be read')
    every(readEveryMs, this.#stopped.signal, () => void this.read(), failed)
    void this.read()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#reading
  }

  /** Never rejects; one at a time. */
  read(): Promise<void> {
    const { store, now, logger } = this.#options
    const iso = (ms: number) => new Date(ms).toISOString()
    const at = now()
    const times = {
      now: iso(at),
      sendingSince: iso(at - lateAfter.sendingMs),
      approvalsSince: iso(at - lateAfter.approvalMs),
      soon: iso(at + lateAfter.tokenMs),
    }
    this.#reading ??= store
      .read(times)
      .then(
        figures => {
          this.#figures = figures
        },
        (err: unknown) => {
          // What is not known any more is a gap.
          this.#figures = undefined
          logger.warn({ err }, 'what is late could not be read')
        },
      )
      .finally(() => {
        this.#reading = undefined
      })
    return this.#reading
  }

  setGauges(set: (name: 'queue' | 'token_days', value: number, labels: Record<string, string>) => void): void {
    for (const [queue, count] of this.#figures?.queues ?? []) set('queue', count, { queue })
    for (const [principal, endsAt] of this.#figures?.tokenEnds ?? []) {
      set('token_days', Math.max(0, (endsAt - this.#options.now()) / day), { principal })
    }
  }
}
