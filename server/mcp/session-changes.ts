/** Unsent changes on a connection with back-pressure: changes of one kind are merged. */
import type { McpChange } from './mcp-port.ts'
import { keyOf } from './stream-flow.ts'

export class SessionChanges {
  readonly #tell: (change: McpChange) => Promise<void>
  readonly #taken: () => Promise<void>
  /** Bounded by what the client subscribed to. */
  readonly #waiting = new Map<string, McpChange>()
  #isTelling = false

  /** @param taken Resolves when the client has taken everything sent. */
  constructor(tell: (change: McpChange) => Promise<void>, taken: () => Promise<void>) {
    this.#tell = tell
    this.#taken = taken
  }

  has(change: McpChange): void {
    this.#waiting.set(keyOf(change), change)
    // Dropped when the client is gone.
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
