/**
 * The clock for retention. It is never ahead of the wall clock, and advances at most at twice the speed of process
 * time: if the clock jumps by a year, or the server was off for a year, nothing is deleted immediately. It makes up for
 * downtime at that pace.
 */
import type { Logger } from './logger.ts'

/** Persists the clock across restarts, in epoch milliseconds. */
export interface RetentionClockStore {
  find(): Promise<number | undefined>
  save(at: number): Promise<void>
}

export interface RetentionClockOptions {
  store: RetentionClockStore
  /** The wall clock. */
  now?: () => number
  /** Monotonic clock. */
  elapsed?: () => number
  logger: Logger
}

const pace = 2
const saveEveryMs = 10 * 60_000
/** Lag behind the wall clock past which a warning is logged. */
const toldBehindMs = 24 * 60 * 60_000

export class RetentionClock {
  readonly #store: RetentionClockStore
  readonly #wall: () => number
  readonly #elapsed: () => number
  readonly #logger: Logger
  #at: number
  #readAt: number
  #saved: number
  #isBehind = false
  #saving: Promise<void> | undefined

  constructor({ store, now = Date.now, elapsed = () => performance.now(), logger }: RetentionClockOptions) {
    this.#store = store
    this.#wall = now
    this.#elapsed = elapsed
    this.#logger = logger
    this.#at = now()
    this.#readAt = elapsed()
    this.#saved = Number.NEGATIVE_INFINITY
  }

  async start(): Promise<void> {
    const kept = await this.#store.find()
    this.#at = Math.min(kept ?? this.#wall(), this.#wall())
    this.#readAt = this.#elapsed()
    this.#tell()
    await this.#save()
  }

  async stop(): Promise<void> {
    await this.#saving
  }

  /** Returns the retention time in epoch milliseconds. */
  now(): number {
    const elapsed = this.#elapsed()
    this.#at = Math.min(this.#wall(), this.#at + pace * Math.max(0, elapsed - this.#readAt))
    this.#readAt = elapsed
    this.#tell()
    if (Math.abs(this.#at - this.#saved) >= saveEveryMs) this.#saving ??= this.#save()
    return this.#at
  }

  async #save(): Promise<void> {
    this.#saved = this.#at
    await this.#store
      .save(this.#at)
      .catch((err: unknown) => this.#logger.warn({ err }, 'the retention clock could not be stored'))
    this.#saving = undefined
  }

  #tell(): void {
    const behindMs = this.#wall() - this.#at
    if (behindMs > toldBehindMs === this.#isBehind) return
    this.#isBehind = !this.#isBehind
    const hours = Math.round(behindMs / 3_600_000)
    if (!this.#isBehind) return this.#logger.info('history expires by the clock again')
    const words =
      'the clock is far ahead of the last run of this server: history expires slowly until the difference is made up. Check the clock'
    this.#logger.warn({ hours_ahead: hours }, words)
  }
}
