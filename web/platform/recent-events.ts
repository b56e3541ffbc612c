/** Keeps the newest facts and figures, for tabs that join later and for a tab that takes over the stream. */
import type { StreamEvent } from './stream-status.ts'

const keptFacts = 200

export class RecentEvents {
  #facts: readonly StreamEvent[] = []
  /** The client of the connection that they came by. */
  #clientId: string | undefined
  #stats: StreamEvent | null = null

  /** The facts, oldest first; at most 200. */
  get facts(): readonly StreamEvent[] {
    return this.#facts
  }

  get stats(): StreamEvent | null {
    return this.#stats
  }

  get lastEventId(): string {
    return this.#facts.at(-1)?.id ?? ''
  }

  /** Records an event; returns false for a fact that is already known. */
  take(event: StreamEvent): boolean {
    if (this.#isOfAnother(event)) this.clear()
    if (event.event.type === 'stats_update') this.#stats = event
    if (event.id === null) return true
    if (this.#facts.some(({ id }) => id === event.id)) return false
    this.#facts = [...this.#facts, event].slice(-keptFacts)
    return true
  }

  replace(facts: readonly StreamEvent[], stats: StreamEvent | null): void {
    this.#facts = facts
    this.#stats = stats
  }

  clear(): void {
    this.replace([], null)
  }

  /** Whether what came before is another session's: in this browser another user may have signed in. */
  #isOfAnother({ event }: StreamEvent): boolean {
    if (event.type === 'goodbye') return event.data.reason === 'revoked'
    if (event.type !== 'welcome') return false
    const before = this.#clientId
    this.#clientId = event.data.client_id
    return before !== undefined && before !== this.#clientId
  }
}
