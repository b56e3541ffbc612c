/** While a mail server refuses every connection of an account as one too many: it is not asked at each request. */
import { Problem } from '../platform/problem.ts'

const firstMs = 5_000
const mostMs = 60_000

export class LimitPause {
  #waitMs = 0
  #until = 0
  #problem: Problem | undefined

  get isOver(): boolean {
    return this.#problem === undefined
  }

  /** The server refused, and none of its connections is ours. @returns What those who wait are told. */
  pause(problem: Problem): Problem {
    this.#waitMs = Math.min(mostMs, Math.max(firstMs, this.#waitMs * 2))
    this.#until = performance.now() + this.#waitMs
    this.#problem = problem
    return this.#busy(problem)
  }

  throwIfPaused(): void {
    if (this.#problem && performance.now() < this.#until) throw this.#busy(this.#problem)
  }

  reset(): void {
    this.#waitMs = 0
    this.#problem = undefined
  }

  #busy({ message, extension }: Problem): Problem {
    const retryAfterSeconds = Math.max(1, Math.ceil(Math.round(this.#until - performance.now()) / 1000))
    return new Problem('overloaded', message, { ...extension, retryAfterSeconds })
  }
}
