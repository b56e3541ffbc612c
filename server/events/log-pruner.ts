/** Forgets what the log no longer keeps, in small pieces: first it says from where on the log is whole, then it deletes. */
import { setImmediate as yieldLoop } from 'node:timers/promises'
import type { Logger } from '../platform/logger.ts'
import type { EventStore } from './event-store.ts'

/** Of one class of facts: at most so many, none older. */
export interface Budget {
  readonly count: number
  readonly ms: number
}

export interface LogPrunerOptions {
  store: EventStore
  logger: Logger
  /** All facts, whatever their class. */
  keep: Budget
  /** Administrative facts stay for longer. */
  keepAdministrative: Budget
  /** By which they are too old, in epoch milliseconds. */
  retentionNow: () => number
  /** Number of the last fact that every lasting reader has: what follows it stays beyond the count, within bounds. Undefined without readers. */
  readersAt?: (() => Promise<number | undefined>) | undefined
  /** Hears from where on every fact is kept, before the first older one is deleted. */
  onForget(firstKept: number): void
}

/** Rows looked at, or deleted, at once. The event loop, and others that write, have their turn between two pieces. */
const piece = 500
/** For readers that are behind, so many times the count is kept; never longer than the time. */
const stretch = 4
/** What was forgotten is said at most this often. */
const tellForgottenEveryMs = 60 * 60_000

export class LogPruner {
  readonly #options: LogPrunerOptions
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined
  #forgotten = 0
  #toldForgottenAt = Number.NEGATIVE_INFINITY

  constructor(options: LogPrunerOptions) {
    this.#options = options
  }

  /** One run at a time; who asks meanwhile waits for that. */
  run(): Promise<void> {
    this.#running ??= this.#prune().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** What is not deleted yet is deleted by the next run of whichever process. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    // Who asked for it has heard of its failure.
    await this.#running?.catch(() => undefined)
  }

  async #prune(): Promise<void> {
    const { store, onForget } = this.#options
    const { oldest } = await store.bounds()
    const firstKept = await this.#firstKept()
    this.#tellForgotten(firstKept - oldest)
    // Said before it is done, here and to all processes: a reader must not take what is forgotten for what is hidden.
    onForget(firstKept)
    await store.setOldest(firstKept)
    await this.#forgetRoutine(firstKept)
    await this.#forgetAdministrative(firstKept)
  }

  /** By count, and behind that the first that is young enough. */
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

  /** Found by looking, not by counting on: a run that was cut off has left some. */
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

  /** Those before `firstKept` that are too many or too old. */
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

  #tellForgotten(count: number): void {
    if (count > 0) this.#forgotten += count
    const now = performance.now()
    if (this.#forgotten === 0 || now - this.#toldForgottenAt < tellForgottenEveryMs) return
    this.#options.logger.info({ events: this.#forgotten }, 'the oldest events were pruned: too many, or too old')
    this.#toldForgottenAt = now
    this.#forgotten = 0
  }
}
