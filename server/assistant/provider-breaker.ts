/**
 * A circuit breaker for one model provider: one that hung, is down or refuses the key is skipped for a while, which
 * doubles with each failure. Then one question probes it, while others skip it.
 */
import { doubledMs } from '../platform/doubling.ts'
import type { Problem } from '../platform/problem.ts'
import { placeOf } from './provider-faults.ts'

export const breakerBounds = {
  firstRestMs: 30_000,
  maxRestMs: 10 * 60_000,
  /** Successive useless answers, after which the provider counts as failing. */
  badAnswers: 2,
} as const

/** `probing`: its rest is over, and one question tries it. */
export type BreakerState = 'ready' | 'resting' | 'limited' | 'probing'

export class ProviderBreaker {
  readonly #now: () => number
  #trouble: 'ill' | 'limited' | undefined
  #restsUntil = 0
  #rests = 0
  #badAnswers = 0
  #isProbed = false
  #lastFault: Problem | undefined

  /** @param now The clock of `performance`. */
  constructor(now: () => number) {
    this.#now = now
  }

  get state(): BreakerState {
    if (this.#trouble === undefined) return 'ready'
    if (this.#restsUntil > this.#now()) return this.#trouble === 'limited' ? 'limited' : 'resting'
    if (this.#trouble === 'limited') return 'ready'
    return this.#isProbed ? 'probing' : 'ready'
  }

  /** The last failure, while it still counts. */
  get lastFault(): Problem | undefined {
    return this.#trouble === undefined ? undefined : this.#lastFault
  }

  /** On the clock of `performance`. */
  get restsUntil(): number {
    return this.#restsUntil
  }

  /** Called when a question is sent to it. */
  asked(): void {
    if (this.#trouble === 'ill') this.#isProbed = true
  }

  /** Called when it has sent text or a tool call. */
  began(): void {
    this.#trouble = undefined
    this.#isProbed = false
    this.#rests = 0
  }

  answered(): void {
    this.began()
    this.#badAnswers = 0
  }

  /** Called when the caller left before anything was shown. */
  left(): void {
    this.#isProbed = false
  }

  failed(problem: Problem): void {
    this.#isProbed = false
    const place = placeOf(problem)
    if (place === 'question') return
    if (problem.code === 'provider_limited') {
      this.#trouble = 'limited'
      this.#lastFault = problem
      this.#restsUntil = this.#now() + 1_000 * (problem.extension.retryAfterSeconds ?? 0)
      return
    }
    if (place === 'answer') {
      this.#badAnswers += 1
      if (this.#badAnswers < breakerBounds.badAnswers) return
    }
    this.#trouble = 'ill'
    this.#lastFault = problem
    this.#restsUntil = this.#now() + doubledMs(this.#rests, breakerBounds.firstRestMs, breakerBounds.maxRestMs)
    this.#rests++
  }
}
