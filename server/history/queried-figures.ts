/**
 * Figures that need a query: every half minute the process that counts for all runs each of them, and the last result
 * is used in between.
 */
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'

const refreshEveryMs = 30_000
/** Milliseconds between checks of whether it is time, and this process's turn. */
const lookEveryMs = 2_500
/** Milliseconds for which a result is valid; then the series has a gap. */
const freshMs = 3 * refreshEveryMs

export interface QueriedFiguresOptions<Answers> {
  queries: { [Name in keyof Answers]: () => Promise<Answers[Name]> }
  /** Returns true if this process runs the queries. */
  isMine(): boolean
  logger: Logger
  /** Milliseconds on a monotonic clock. */
  now?: () => number
}

export class QueriedFigures<Answers> {
  readonly #options: QueriedFiguresOptions<Answers>
  readonly #now: () => number
  readonly #answers = new Map<keyof Answers, { value: Answers[keyof Answers]; at: number }>()
  readonly #ending = new AbortController()
  #refreshing: Promise<void> | undefined
  #refreshedAt = Number.NEGATIVE_INFINITY

  constructor(options: QueriedFiguresOptions<Answers>) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  start(): void {
    const failed = (err: unknown) => this.#options.logger.error({ err }, 'a figure of the history could not be read')
    this.refresh()
    every(lookEveryMs, this.#ending.signal, () => this.refresh(), failed)
  }

  /** Runs the queries that are due, one round at a time; called by the timer and by tests. */
  refresh(): void {
    if (!this.#options.isMine()) {
      this.#refreshedAt = Number.NEGATIVE_INFINITY
      return this.#answers.clear()
    }
    if (this.#now() - this.#refreshedAt < refreshEveryMs) return
    this.#refreshedAt = this.#now()
    this.#refreshing ??= this.#queryAll().finally(() => {
      this.#refreshing = undefined
    })
  }

  /** Returns undefined if there is no fresh result. */
  find<Name extends keyof Answers>(name: Name): Answers[Name] | undefined {
    const answer = this.#answers.get(name)
    return answer && this.#now() - answer.at < freshMs ? (answer.value as Answers[Name]) : undefined
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#refreshing
  }

  async #queryAll(): Promise<void> {
    const { queries } = this.#options
    for (const name of Object.keys(queries) as (keyof Answers)[]) {
      try {
        this.#answers.set(name, { value: await queries[name](), at: this.#now() })
      } catch (err) {
        this.#options.logger.warn({ err, figure: name }, 'a figure of the history could not be read')
      }
    }
  }
}
