/** Takes entries as they come and writes them in groups: everything of one turn of the loop is one commit. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { NewAuditRow } from './audit-entry.ts'
import type { AuditTrail } from './audit-trail.ts'

export interface AuditWriterOptions {
  trail: Pick<AuditTrail, 'append'>
  logger: Logger
  /** Hears the number of the newest entry after each commit, and what was in it. */
  written(newest: number, rows: readonly NewAuditRow[]): void
  /** An entry about those that were lost. */
  lost(count: number): NewAuditRow
}

interface Waiting {
  row: NewAuditRow
  done: PromiseWithResolvers<void>
}

/** Entries that wait; from here on `isFull`. */
const maxWaiting = 10_000
/** For what was under way when it became full; what comes past it is lost, and that is said in the trail. */
const maxBeyond = 2_000
/** Entries of one commit. */
const batchSize = 1_000
/** Tries in a row that failed; from here on `isFull`, since who asks would wait in vain. */
const maxFailures = 3
const maxRetryMs = 5_000

export class AuditWriter {
  readonly #options: AuditWriterOptions
  readonly #stopped = new AbortController()
  #waiting: Waiting[] = []
  #failures = 0
  #lost = 0
  #writing: Promise<void> | undefined

  constructor(options: AuditWriterOptions) {
    this.#options = options
  }

  /** No more should be let in. It ends by itself, when the database takes entries again. */
  get isFull(): boolean {
    return this.#waiting.length >= maxWaiting || this.#failures >= maxFailures
  }

  /** Resolves when the entry is in the database. Rejects when it is lost: too many wait, or the process ends. */
  write(row: NewAuditRow): Promise<void> {
    if (this.#waiting.length >= maxWaiting + maxBeyond) {
      this.#lost++
      return Promise.reject(unwritten())
    }
    const done = Promise.withResolvers<void>()
    this.#waiting.push({ row, done })
    this.#writing ??= this.#run().finally(() => {
      this.#writing = undefined
    })
    return done.promise
  }

  /** What came before is still written, when the database takes it. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#writing
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Everything that comes in this turn of the loop goes into one commit.
      await new Promise(setImmediate)
      const batch = this.#waiting.slice(0, batchSize)
      const lost = this.#lost
      const rows = batch.map(({ row }) => row)
      if (lost > 0) rows.push(this.#options.lost(lost))
      if (!(await this.#commit(rows))) return this.#giveUp()
      this.#lost -= lost
      this.#waiting.splice(0, batch.length)
      for (const { done } of batch) done.resolve()
    }
  }

  /** Tries until it is done, in the same order; false when the process is to end. */
  async #commit(rows: readonly NewAuditRow[]): Promise<boolean> {
    const { signal } = this.#stopped
    for (;;) {
      try {
        const { number } = await this.#options.trail.append(rows)
        this.#failures = 0
        this.#options.written(number, rows)
        return true
      } catch (err) {
        this.#options.logger.error({ err, waiting: this.#waiting.length }, 'the audit trail could not be written')
        if (signal.aborted) return false
        // Bounded, so that the power does not run away.
        this.#failures = Math.min(this.#failures + 1, 20)
        const pauseMs = Math.min(maxRetryMs, 50 * 2 ** this.#failures)
        await wait(pauseMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  #giveUp(): void {
    this.#options.logger.error({ lost: this.#waiting.length }, 'entries of the audit trail are lost')
    for (const { done } of this.#waiting.splice(0)) done.reject(unwritten())
  }
}

function unwritten(): Problem {
  const detail = 'It was done, but could not be written to the audit trail.'
  return new Problem('overloaded', detail, { retryAfterSeconds: 10 })
}
