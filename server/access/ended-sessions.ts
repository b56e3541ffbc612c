/** Why sessions ended, for the browser that still holds the cookie of one: anyone who has no such cookie learns nothing. In memory alone. */
import type { SessionEnd } from '../../contract/access.ts'

/** The ended ones that are remembered; the oldest is evicted, and its browser is told nothing. */
const maxRemembered = 2_000

export class EndedSessions {
  /** By the hash of the cookie. */
  readonly #reasons = new Map<string, SessionEnd>()

  note(tokenHash: string, why: SessionEnd): void {
    this.#reasons.delete(tokenHash)
    this.#reasons.set(tokenHash, why)
    const [oldest] = this.#reasons.keys()
    if (this.#reasons.size > maxRemembered && oldest !== undefined) this.#reasons.delete(oldest)
  }

  /** Null also for a session that is open, and for one that its owner signed out of. */
  why(tokenHash: string): SessionEnd | null {
    return this.#reasons.get(tokenHash) ?? null
  }
}
