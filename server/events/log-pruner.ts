/** Prunes the log in small steps: first it publishes the number from which the log is complete, then it deletes. */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import type { Logger } from '../platform/logger.ts'
import type { EventStore } from './event-store.ts'

/** Retention limits by count and age. */
export interface Budget {
  readonly count: number
  readonly ms: number
}

export interface LogPrunerOptions {
  store: EventStore
  logger: Logger
  /** Limits for all facts, of either class. */
  keep: Budget
  /** Limits for administrative facts, which are kept longer. */
  keepAdministrative: Budget
  /** Clock for retention, in epoch milliseconds. */
  retentionNow: () => number
  /** Low-water mark of durable readers: later facts are kept beyond the count, in bounds. Undefined without readers. */
  readersAt?: (() => Promise<number | undefined>) | undefined
  /** Called with the first number that is kept, before older facts are deleted. */
  onForget(firstKept: number): void
}

/** Rows scanned or deleted per statement; in between, the event loop and other writers get their turn. */
const piece = 500
/** Multiple of the count that is kept at most for lagging readers; the age limit is never exceeded. */
const stretch = 4
/** Interval of log lines about pruned facts. */
const logForgottenEveryMs = 60 * 60_000

export class LogPruner {
  readonly #options: LogPrunerOptions
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined
  #forgotten = 0
  #loggedForgottenAt = Number.NEGATIVE_INFINITY

  constructor(options: LogPrunerOptions) {
    this.#options = options
  }

  /** Prunes; concurrent calls share one run. */
  run(): Promise<void> {
    this.#running ??= this.#prune().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Stops a run between two steps; the next run, of any process, deletes the rest. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    // The caller of `run` gets the error.
    await this.#running?.catch(() => undefined)
  }

  async #prune(): Promise<void> {
    const { store, onForget } = this.#options
    const { oldest } = await store.bounds()
    const firstKept = await this.#firstKept()
    this.#logForgotten(firstKept - oldest)
    // Published to this and other processes before deleting: readers must not mistake pruned facts for invisible ones.
    onForget(firstKept)
    await store.setOldest(firstKept)
    await this.#forgetRoutine(firstKept)
    await this.#forgetAdministrative(firstKept)
  }

  /** Returns the first number within the count limit that is also young enough. */
  async #firstKept(): Promise<number> {
    const { store, keep, readersAt } = this.#options
    const { newest, oldest } = await store.bounds()
    const before = this.#before(keep)
    const needed = Math.max((await readersAt?.()) ?? newest, newest - keep.count * stretch) + 1
    let from = Math.max(oldest, Math.min(newest - keep.count + 1, needed))
    while (!this.#stopped.signal.aborted) {
      const rows = await store.listTimes(from, piece)
      const young = rows.find(({ at }) => at >= before)
      if (young) return young.number
      from = (rows.at(-1)?.number ?? Math.max(newest, from - 1)) + 1
      if (rows.length < piece) break
      await yieldLoop()
    }
    return from
  }

  /**
   * Deletes routine facts before `firstKept`, searched from the beginning, since an interrupted run may have left some.
   */
  async #forgetRoutine(firstKept: number): Promise<void> {
    const { store } = this.#options
    for (let from = 0; !this.#stopped.signal.aborted; ) {
      const numbers = await store.listRoutine(from, firstKept, piece)
      const last = numbers.at(-1)
      if (last === undefined) return
      await store.forgetRoutine(numbers[0]!, last)
      if (numbers.length < piece) return
      from = last + 1
      await yieldLoop()
    }
  }

  /** Deletes administrative facts before `firstKept` that exceed their own limits. */
  async #forgetAdministrative(firstKept: number): Promise<void> {
    const { store, keepAdministrative } = this.#options
    const before = this.#before(keepAdministrative)
    const tooMany = await store.administrativeBehind(keepAdministrative.count)
    while (!this.#stopped.signal.aborted) {
      const rows = await store.listAdministrative(firstKept, piece)
      const kept = rows.findIndex(({ number, at }) => number > tooMany && at >= before)
      const last = (kept === -1 ? rows : rows.slice(0, kept)).at(-1)
      if (last === undefined) return
      await store.forgetAdministrative(last.number)
      if (kept !== -1 || rows.length < piece) return
      await yieldLoop()
    }
  }

  #before({ ms }: Budget): string {
    return new Date(this.#options.retentionNow() - ms).toISOString()
  }

  #logForgotten(count: number): void {
    if (count > 0) this.#forgotten += count
    const now = performance.now()
    if (this.#forgotten === 0 || now - this.#loggedForgottenAt < logForgottenEveryMs) return
    this.#options.logger.info({ events: this.#forgotten }, 'the oldest events were pruned: too many, or too old')
    this.#loggedForgottenAt = now
    this.#forgotten = 0
  }
}
