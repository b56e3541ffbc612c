/**
 * Figures that need a query: every half minute the process that counts for all runs each of them, and the last result
 * is used in between.
 */
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'

const askEveryMs = 30_000
/** Milliseconds between checks of whether it is time, and this process's turn. */
const lookEveryMs = 2_500
/** Milliseconds for which a result is valid; then the series has a gap. */
const freshMs = 3 * askEveryMs

export interface AskedFiguresOptions<Answers> {
  asks: { [Name in keyof Answers]: () => Promise<Answers[Name]> }
  /** Returns true if this process runs the queries. */
  isMine(): boolean
  logger: Logger
  /** Milliseconds on a monotonic clock. */
  now?: () => number
}

export class AskedFigures<Answers> {
  readonly #options: AskedFiguresOptions<Answers>
  readonly #now: () => number
  readonly #answers = new Map<keyof Answers, { value: Answers[keyof Answers]; at: number }>()
  readonly #ending = new AbortController()
  #asking: Promise<void> | undefined
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(options: AskedFiguresOptions<Answers>) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  start(): void {
    const failed = (err: unknown) => this.#options.logger.error({ err }, 'a figure of the history could not be read')
    this.ask()
    every(lookEveryMs, this.#ending.signal, () => this.ask(), failed)
  }

  /** Runs the queries that are due, one round at a time; called by the timer and by tests. */
  ask(): void {
    if (!this.#options.isMine()) {
      this.#askedAt = Number.NEGATIVE_INFINITY
      return this.#answers.clear()
    }
    if (this.#now() - this.#askedAt < askEveryMs) return
    this.#askedAt = this.#now()
    this.#asking ??= this.#askAll().finally(() => {
      this.#asking = undefined
    })
  }

  /** Returns undefined if there is no fresh result. */
  find<Name extends keyof Answers>(name: Name): Answers[Name] | undefined {
    const answer = this.#answers.get(name)
    return answer && this.#now() - answer.at < freshMs ? (answer.value as Answers[Name]) : undefined
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#asking
  }

  async #askAll(): Promise<void> {
    const { asks } = this.#options
    for (const name of Object.keys(asks) as (keyof Answers)[]) {
      try {
        this.#answers.set(name, { value: await asks[name](), at: this.#now() })
      } catch (err) {
        this.#options.logger.warn({ err, figure: name }, 'a figure of the history could not be read')
      }
    }
  }
}
