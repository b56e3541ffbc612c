/** Whose stream is whose, and what was said last of a principal that changed while a request of its was under way. */
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import type { EventStream } from './event-stream.ts'

/** Undefined when it was revoked. */
interface Word {
  principal: Principal | undefined
  at: number
}

/** A request that began with what a principal was before has become a stream, or ended, by then. */
const rememberedMs = 60_000
/** Principals remembered; past it the oldest is evicted, and only a request that began before could still profit. */
const maxRemembered = 10_000

export class StreamOwners {
  readonly #streams = new Map<string, Set<EventStream>>()
  /** How many a person has open, by whatever sessions and tokens. */
  readonly #counts = new Map<string, number>()
  /** The oldest first. */
  readonly #words = new Map<string, Word>()

  add(stream: EventStream): void {
    const { id } = stream.principal
    const key = limitKeyOf(stream.principal)
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
    const streams = this.#streams.get(id)
    if (streams) streams.add(stream)
    else this.#streams.set(id, new Set([stream]))
  }

  delete(stream: EventStream): void {
    const { id } = stream.principal
    const streams = this.#streams.get(id)
    if (!streams?.delete(stream)) return
    if (streams.size === 0) this.#streams.delete(id)
    const key = limitKeyOf(stream.principal)
    const left = this.#counts.get(key)! - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }

  /** Of the person whose session or token it is. */
  count(principal: Principal): number {
    return this.#counts.get(limitKeyOf(principal)) ?? 0
  }

  /** As they are now: closing one does not disturb the walk. */
  of(principalId: string): EventStream[] {
    return [...(this.#streams.get(principalId) ?? [])]
  }

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
