/** The newest facts and the newest figures, for tabs that join later and for a tab that takes the stream over. */
import type { StreamEvent } from './stream-status.ts'

const keptFacts = 200

export class RecentEvents {
  #facts: readonly StreamEvent[] = []
  #stats: StreamEvent | null = null

  /** Oldest first; at most 200. */
  get facts(): readonly StreamEvent[] {
    return this.#facts
  }

  get stats(): StreamEvent | null {
    return this.#stats
  }

  get lastEventId(): string {
    return this.#facts.at(-1)?.id ?? ''
  }

  /** False for a fact that is known already. */
  take(event: StreamEvent): boolean {
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
}
