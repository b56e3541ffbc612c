/**
 * Batches entries as they arrive: everything of one turn of the event loop is one commit; reads, for which no caller
 * waits, are gathered a moment longer. What the database does not accept is queued in order and retried.
 */
import { doubledMs } from '../platform/doubling.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { pause } from '../platform/waits.ts'
import type { NewAuditRow } from './audit-entry.ts'
import type { AuditTrail } from './audit-trail.ts'

export interface AuditWriterOptions {
  trail: Pick<AuditTrail, 'append'>
  /**
   * Makes what was committed survive a power failure; undefined if each commit does so itself. Every request that
   * changed something waits for it: what was revoked must not be valid again after a power failure.
   */
  settle?: (() => Promise<void>) | undefined
  logger: Logger
  /** Called after each commit with the number of the newest entry and the rows. */
  written(newest: number, rows: readonly NewAuditRow[]): void
  /** Creates an entry about lost ones. */
  lost(count: number): NewAuditRow
}

interface Waiting {
  row: NewAuditRow
  /** The timer that ends waiting for it. */
  patience: NodeJS.Timeout | undefined
  done: PromiseWithResolvers<boolean>
}

/** Waiting entries from which on `isFull` is true. */
const maxWaiting = 10_000
/** Further entries, for requests in flight when it became full; beyond them entries are lost, which is recorded. */
const maxBeyond = 2_000
/** Entries per commit. */
const batchSize = 1_000
/** Milliseconds for which entries about reads are gathered: committed singly, they took a tenth of a CPU. */
const gatherMs = 10
/** Successive failures after which the writer counts as stuck. */
const maxFailures = 3
/** Milliseconds for which a caller waits for its entry. A slow write is not a failure: the entry stays queued. */
const maxWaitMs = 2_000
/** Milliseconds without a result after which a try counts as failed; a loaded database takes only seconds. */
const maxSilenceMs = 30_000
const maxRetryMs = 5_000

export class AuditWriter {
  readonly #options: AuditWriterOptions
  readonly #stopped = new AbortController()
  #waiting: Waiting[] = []
  #failures = 0
  #lost = 0
  #lostInAll = 0
  /** True while nothing gets into the database, for an unknown time. */
  #isStuck = false
  #writing: Promise<void> | undefined
  /** Ends the gathering of entries early. */
  #hurry: (() => void) | undefined

  constructor(options: AuditWriterOptions) {
    this.#options = options
  }

  /** The entries waiting now, and those lost since the start. */
  get backlog(): { waiting: number; lost: number } {
    return { waiting: this.#waiting.length, lost: this.#lostInAll }
  }

  /** True if requests that change something should be rejected, until the database accepts entries again. */
  get isFull(): boolean {
    return this.#waiting.length >= maxWaiting || this.#isStuck
  }

  /**
   * Resolves to true when the entry is stored, or to false when that takes too long to wait for, and it stays queued.
   * Rejects if it is lost: too many wait, or the process ends.
   */
  write(row: NewAuditRow): Promise<boolean> {
    if (this.#waiting.length >= maxWaiting + maxBeyond) {
      this.#lost++
      this.#lostInAll++
      return Promise.reject(unwritten())
    }
    const done = Promise.withResolvers<boolean>()
    if (this.#isStuck) done.resolve(false)
    const patience = this.#isStuck ? undefined : setTimeout(() => done.resolve(false), maxWaitMs)
    this.#waiting.push({ row, patience, done })
    if (row.effect !== 'read') this.#hurry?.()
    this.#writing ??= this.#run()
    return done.promise
  }

  /** Resolves when earlier entries are stored, take too long to wait for, or are lost. */
  async flush(): Promise<void> {
    this.#hurry?.()
    await this.#waiting.at(-1)?.done.promise.catch(() => undefined)
  }

  /** Writes what is queued, if the database accepts it. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#hurry?.()
    await this.#writing
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gather()
      if (!(await this.#writeBatch())) this.#giveUp()
    }
    // Reset synchronously, so that the next entry starts over.
    this.#writing = undefined
  }

  /** Gathers the entries of this turn of the loop for one commit, or if they are all reads, of the next few ms. */
  async #gather(): Promise<void> {
    await new Promise(setImmediate)
    if (this.#stopped.signal.aborted || this.#waiting.some(({ row }) => row.effect !== 'read')) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, gatherMs)
    this.#hurry = resolve
    await promise
    this.#hurry = undefined
    clearTimeout(timer)
  }

  /** Returns false if the process is to end. */
  async #writeBatch(): Promise<boolean> {
    const batch = this.#waiting.slice(0, batchSize)
    const lost = this.#lost
    const rows = batch.map(({ row }) => row)
    if (lost > 0) rows.push(this.#options.lost(lost))
    if (!(await this.#commit(rows))) return false
    if (rows.some(hasChanged)) await this.#watch(this.#settle())
    // Also if settling was slow: while it is stuck, no new write is accepted that would notice.
    this.#getGoing()
    this.#lost -= lost
    this.#waiting.splice(0, batch.length)
    answer(batch, true)
    return true
  }

  /** Retries until committed, in the same order; returns false if the process is to end. */
  async #commit(rows: readonly NewAuditRow[]): Promise<boolean> {
    const { signal } = this.#stopped
    for (;;) {
      try {
        const { number } = await this.#watch(this.#options.trail.append(rows))
        this.#failures = 0
        this.#getGoing()
        this.#options.written(number, rows)
        return true
      } catch (err) {
        // Logged once per outage, which may last for days.
        const level = this.#failures === 0 ? 'warn' : 'debug'
        this.#options.logger[level]({ err }, 'the audit trail could not be written; retrying')
        if (signal.aborted) return false
        this.#failures++
        if (this.#failures >= maxFailures) this.#getStuck(err)
        const pauseMs = doubledMs(this.#failures, 50, maxRetryMs)
        await pause(pauseMs, signal)
      }
    }
  }

  async #watch<T>(work: Promise<T>): Promise<T> {
    const silence = setTimeout(
      () => this.#getStuck(new Error(`nothing was heard for ${maxSilenceMs} ms`)),
      maxSilenceMs,
    )
    try {
      return await work
    } finally {
      clearTimeout(silence)
    }
  }

  /** Settles once for everything committed together. */
  async #settle(): Promise<void> {
    const { settle, logger } = this.#options
    await settle?.().catch((err: unknown) => {
      logger.error({ err }, 'what was committed may not survive a power failure')
    })
  }

  /** Releases waiting callers: their changes are done, and their entries stay queued. */
  #getStuck(err: unknown): void {
    if (this.#isStuck) return
    this.#isStuck = true
    const words = 'the audit trail cannot be written: only reads are accepted until it can, and entries wait in memory'
    this.#options.logger.error({ err, waiting: this.#waiting.length }, words)
    answer(this.#waiting, false)
  }

  #getGoing(): void {
    if (!this.#isStuck) return
    this.#isStuck = false
    this.#options.logger.info({ waiting: this.#waiting.length }, 'the audit trail can be written again')
  }

  #giveUp(): void {
    this.#lostInAll += this.#waiting.length
    this.#options.logger.error({ lost: this.#waiting.length }, 'entries of the audit trail are lost')
    for (const { done, patience } of this.#waiting.splice(0)) {
      clearTimeout(patience)
      done.reject(unwritten())
    }
  }
}

function answer(entries: readonly Waiting[], isWritten: boolean): void {
  for (const { done, patience } of entries) {
    clearTimeout(patience)
    done.resolve(isWritten)
  }
}

function hasChanged({ effect, outcome }: NewAuditRow): boolean {
  return effect !== 'read' && outcome === 'ok'
}

function unwritten(): Problem {
  const detail = 'The change was made, but could not be recorded in the audit trail.'
  return new Problem('overloaded', detail, { retryAfterSeconds: 10 })
}
