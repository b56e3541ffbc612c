/** What was said last of principals that changed while requests of theirs were under way, so that no request outlives a right. */
import type { Principal } from './principal.ts'

/** Undefined when it was revoked. */
interface Word {
  principal: Principal | undefined
  at: number
}

/** A request that began with what a principal was before is read whole, or refused, by then. */
const rememberedMs = 60_000
/** Past it the oldest goes, and only a request that began before could still profit. */
const maxRemembered = 10_000

export class ChangedPrincipals {
  /** The oldest first. */
  readonly #words = new Map<string, Word>()

  /** @param principal What it is from now on; undefined when it is nobody any more. */
  note(principalId: string, principal: Principal | undefined, now: number): void {
    this.#words.delete(principalId)
    this.#words.set(principalId, { principal, at: now })
    for (const [id, { at }] of this.#words) {
      if (this.#words.size <= maxRemembered && now - at < rememberedMs) break
      this.#words.delete(id)
    }
  }

  /** What it is by now; undefined when it was revoked. */
  current(principal: Principal, now: number): Principal | undefined {
    const word = this.#words.get(principal.id)
    return word && now - word.at < rememberedMs ? word.principal : principal
  }
}
