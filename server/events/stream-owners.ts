/** Maps principals to their streams, and remembers recent changes of principals, which race with requests in flight. */
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import type { EventStream } from './event-stream.ts'

/** The last change of a principal; undefined if it was revoked. */
interface Word {
  principal: Principal | undefined
  at: number
}

/** How long a change is remembered: by then, requests that began before it have become streams or ended. */
const rememberedMs = 60_000
/** Principals remembered; past it, the oldest is evicted, which only a request in flight since then could exploit. */
const maxRemembered = 10_000

export class StreamOwners {
  readonly #streams = new Map<string, Set<EventStream>>()
  /** Open streams per person, over all sessions and tokens. */
  readonly #counts = new Map<string, number>()
  /** Last changes by principal id, oldest first. */
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

  /** Returns the number of open streams of the person behind a principal. */
  count(principal: Principal): number {
    return this.#counts.get(limitKeyOf(principal)) ?? 0
  }

  /** Returns a copy of a principal's streams, so that they may be closed during iteration. */
  of(principalId: string): EventStream[] {
    return [...(this.#streams.get(principalId) ?? [])]
  }

  /** Records a change. @param principal The principal from now on; undefined if it was revoked. */
  note(principalId: string, principal: Principal | undefined, now: number): void {
    this.#words.delete(principalId)
    this.#words.set(principalId, { principal, at: now })
    for (const [id, { at }] of this.#words) {
      if (this.#words.size <= maxRemembered && now - at < rememberedMs) break
      this.#words.delete(id)
    }
  }

  /** Returns the current state of a principal; undefined if it was revoked. */
  current(principal: Principal, now: number): Principal | undefined {
    const word = this.#words.get(principal.id)
    return word && now - word.at < rememberedMs ? word.principal : principal
  }
}
