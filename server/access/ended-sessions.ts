/**
 * Remembers why sessions ended, in memory only. The reason is disclosed only to the browser that still holds the
 * session's cookie.
 */
import type { SessionEnd } from '../../contract/access.ts'

/** Upper bound of remembered sessions; beyond it the oldest is evicted, and its browser gets no reason. */
const maxRemembered = 2_000

export class EndedSessions {
  /** The reasons by the hash of the cookie. */
  readonly #reasons = new Map<string, SessionEnd>()

  note(tokenHash: string, why: SessionEnd): void {
    this.#reasons.delete(tokenHash)
    this.#reasons.set(tokenHash, why)
    const [oldest] = this.#reasons.keys()
    if (this.#reasons.size > maxRemembered && oldest !== undefined) this.#reasons.delete(oldest)
  }

  /** Returns the reason; null also for an open session, and for one that its owner signed out of. */
  why(tokenHash: string): SessionEnd | null {
    return this.#reasons.get(tokenHash) ?? null
  }
}
