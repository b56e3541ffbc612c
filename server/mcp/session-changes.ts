/** What changed and was not told yet, on a connection that takes messages as fast as its client reads: changes of one kind are one. */
import type { McpChange } from './mcp-port.ts'
import { keyOf } from './stream-flow.ts'

export class SessionChanges {
  readonly #tell: (change: McpChange) => Promise<void>
  readonly #taken: () => Promise<void>
  /** No more than the client subscribed to. */
  readonly #waiting = new Map<string, McpChange>()
  #isTelling = false

  /** @param taken Resolves when the client took all that was told. */
  constructor(tell: (change: McpChange) => Promise<void>, taken: () => Promise<void>) {
    this.#tell = tell
    this.#taken = taken
  }

  has(change: McpChange): void {
    this.#waiting.set(keyOf(change), change)
    // A client that is gone hears nothing.
    if (!this.#isTelling) this.#tellAll().catch(() => this.end())
  }

  end(): void {
    this.#waiting.clear()
  }

  async #tellAll(): Promise<void> {
    this.#isTelling = true
    try {
      for (;;) {
        await this.#taken()
        const [next] = this.#waiting
        if (!next) return
        this.#waiting.delete(next[0])
        await this.#tell(next[1])
      }
    } finally {
      this.#isTelling = false
    }
  }
}
