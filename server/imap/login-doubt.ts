/**
 * Believes a refused login only when it is refused twice, if it was accepted before: Dovecot, for one, answers
 * `AUTHENTICATIONFAILED` while it is being stopped, and the account would need a manual retry. One login retries on
 * behalf of its whole account, since providers lock out accounts after repeated failures.
 */
import { Problem } from '../platform/problem.ts'
import { pause, unlessAborted } from '../platform/waits.ts'

interface Doubt {
  /** When the login is retried, by `performance.now()`. */
  readonly dueAt: number
  /** Aborted when the login was changed. */
  readonly renewed: AbortController
  /** The retry in progress. Never rejects. */
  finding: Promise<void> | undefined
  /** The refusal, once the retry has confirmed it. */
  refusal: unknown
}

/**
 * By then a mail server that was stopping, or whose authentication service was restarted, is back or does not greet.
 */
const usualWaitMs = 5_000

export class LoginDoubt {
  readonly #waitMs: number
  /** True when the server has accepted this login before. */
  #wasAccepted: boolean
  #doubt: Doubt | undefined
  #generation = 0

  constructor(wasAccepted: boolean, waitMs = usualWaitMs) {
    this.#wasAccepted = wasAccepted
    this.#waitMs = waitMs
  }

  /** Resets the state, since the login may have changed: its first answer is believed. */
  renew(): void {
    this.#generation++
    this.#wasAccepted = false
    this.#doubt?.renewed.abort()
    this.#doubt = undefined
  }

  /** @param attempt Logs in with the credentials current at that time. */
  async login<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (!this.#doubt) {
      const generation = this.#generation
      try {
        return await this.#accepted(attempt)
      } catch (error) {
        if (!this.#wasAccepted || generation !== this.#generation || !isRefusal(error)) throw error
        const dueAt = performance.now() + this.#waitMs
        this.#doubt ??= { dueAt, renewed: new AbortController(), finding: undefined, refusal: undefined }
      }
    }
    while (this.#doubt) {
      const doubt = this.#doubt
      if (!doubt.finding) return this.#findOut(doubt, attempt, signal)
      await unlessAborted(doubt.finding, signal)
      if (doubt.refusal) throw doubt.refusal
    }
    return this.#accepted(attempt)
  }

  async #findOut<T>(doubt: Doubt, attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const found = Promise.withResolvers<void>()
    doubt.finding = found.promise
    try {
      await pause(Math.max(0, doubt.dueAt - performance.now()), AbortSignal.any([signal, doubt.renewed.signal]))
      signal.throwIfAborted()
      const result = await this.#accepted(attempt)
      this.#end(doubt)
      return result
    } catch (error) {
      if (isRefusal(error)) doubt.refusal = error
      // An aborted attempt leaves the retry to the next caller.
      if (isRefusal(error) || !signal.aborted) this.#end(doubt)
      throw error
    } finally {
      doubt.finding = undefined
      found.resolve()
    }
  }

  #end(doubt: Doubt): void {
    if (this.#doubt !== doubt) return
    this.#doubt = undefined
    // Further refusals are believed immediately.
    if (doubt.refusal) this.#wasAccepted = false
  }

  async #accepted<T>(attempt: () => Promise<T>): Promise<T> {
    const generation = this.#generation
    const result = await attempt()
    if (generation === this.#generation) this.#wasAccepted = true
    return result
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Problem && error.extension.fault === 'login'
}
