/**
 * Of a login that worked until now a refusal is believed at the second time: Dovecot, for one, says `AUTHENTICATIONFAILED` while it is stopped,
 * and the account would wait for somebody to try it again. One login finds that out for all of its account: providers lock out who is wrong often.
 */
import { Problem } from '../platform/problem.ts'
import { pause, unlessAborted } from '../platform/waits.ts'

interface Doubt {
  /** When the login is tried for the second time, by the clock of `performance`. */
  readonly dueAt: number
  /** The login is another one now. */
  readonly renewed: AbortController
  /** While somebody finds out. Never rejects. */
  finding: Promise<void> | undefined
  /** What was found. */
  refusal: unknown
}

/** A mail server that goes down, or whose part that knows the passwords was restarted, is back by then or does not greet. */
const usualWaitMs = 5_000

export class LoginDoubt {
  readonly #waitMs: number
  /** The server has accepted this login before. */
  #wasAccepted: boolean
  #doubt: Doubt | undefined
  #generation = 0

  constructor(wasAccepted: boolean, waitMs = usualWaitMs) {
    this.#wasAccepted = wasAccepted
    this.#waitMs = waitMs
  }

  /** The login may be another one now: what it is answered is believed at once. */
  renew(): void {
    this.#generation++
    this.#wasAccepted = false
    this.#doubt?.renewed.abort()
    this.#doubt = undefined
  }

  /** @param attempt Logs in, as the login is then. */
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
      // One that leaves before it knows leaves it to the next one.
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
    // What is refused from now on is believed.
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
