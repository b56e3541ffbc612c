/**
 * Takes entries as they come and writes them in groups: everything of one turn of the loop is one commit, and of what was only read, for which nobody
 * waits, everything of a moment. What the database does not take waits, in its order, until it does.
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
   * What was committed survives a power failure from here on; undefined where it does so at once. Waited for by every request that
   * changed something: what was revoked must not be valid again after the power came back.
   */
  settle?: (() => Promise<void>) | undefined
  logger: Logger
  /** Hears the number of the newest entry after each commit, and what was in it. */
  written(newest: number, rows: readonly NewAuditRow[]): void
  /** An entry about those that were lost. */
  lost(count: number): NewAuditRow
}

interface Waiting {
  row: NewAuditRow
  /** Ends when nobody waits for it any longer. */
  patience: NodeJS.Timeout | undefined
  done: PromiseWithResolvers<boolean>
}

/** Entries that wait; from here on `isFull`. */
const maxWaiting = 10_000
/** For what was under way when it became full; what comes past it is lost, and that is said in the trail. */
const maxBeyond = 2_000
/** Entries of one commit. */
const batchSize = 1_000
/** So long entries about what was read wait for others: with many a second, the commits of single ones took a tenth of the processor. */
const gatherMs = 10
/** Tries in a row that failed; from here on it is stuck. */
const maxFailures = 3
/** What has waited longer waits on without anybody waiting for it. To be slow is no failure: it is written in its turn. */
const maxWaitMs = 2_000
/** A single try that says nothing for so long counts as failed. A database under load takes seconds for a commit, not so many. */
const maxSilenceMs = 30_000
const maxRetryMs = 5_000

export class AuditWriter {
  readonly #options: AuditWriterOptions
  readonly #stopped = new AbortController()
  #waiting: Waiting[] = []
  #failures = 0
  #lost = 0
  #lostInAll = 0
  /** Nothing gets into the database at this moment, and nobody knows how long. */
  #isStuck = false
  #writing: Promise<void> | undefined
  /** Ends the moment in which entries are gathered. */
  #hurry: (() => void) | undefined

  constructor(options: AuditWriterOptions) {
    this.#options = options
  }

  /** Entries that wait now, and those that were lost since the start. */
  get backlog(): { waiting: number; lost: number } {
    return { waiting: this.#waiting.length, lost: this.#lostInAll }
  }

  /** Requests that change something should be rejected. It ends when the database accepts entries again. */
  get isFull(): boolean {
    return this.#waiting.length >= maxWaiting || this.#isStuck
  }

  /**
   * True when the entry is in the database; false when that takes longer than anybody should wait, and it is kept for later. Rejects
   * when it is lost: too many wait, or the process ends.
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

  /** Ends when what came before is in the database, or takes longer than anybody should wait, or is lost. */
  async flush(): Promise<void> {
    this.#hurry?.()
    await this.#waiting.at(-1)?.done.promise.catch(() => undefined)
  }

  /** What came before is still written, when the database takes it. */
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
    // At once, so that what comes next starts over.
    this.#writing = undefined
  }

  /** Everything that comes in this turn of the loop goes into one commit; where nothing has changed, of the next few milliseconds. */
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

  /** False when the process is to end. */
  async #writeBatch(): Promise<boolean> {
    const batch = this.#waiting.slice(0, batchSize)
    const lost = this.#lost
    const rows = batch.map(({ row }) => row)
    if (lost > 0) rows.push(this.#options.lost(lost))
    if (!(await this.#commit(rows))) return false
    if (rows.some(hasChanged)) await this.#watch(this.#settle())
    // Also when it was settling that took long: while it is stuck nothing new is let in that would find out.
    this.#getGoing()
    this.#lost -= lost
    this.#waiting.splice(0, batch.length)
    answer(batch, true)
    return true
  }

  /** Tries until it is done, in the same order; false when the process is to end. */
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
        // Once for each time that it goes wrong: it may go on for days.
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

  /** One for all that were committed together. */
  async #settle(): Promise<void> {
    const { settle, logger } = this.#options
    await settle?.().catch((err: unknown) => {
      logger.error({ err }, 'what was committed may not survive a power failure')
    })
  }

  /** Those who wait are answered: what they did is done, and their entries are kept here. */
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
