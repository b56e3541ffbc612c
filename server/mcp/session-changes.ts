/** Unsent changes on a connection with back-pressure: changes of one kind are merged. */
import type { McpChange } from './mcp-port.ts'
import { keyOf } from './stream-flow.ts'

export class SessionChanges {
  readonly #send: (change: McpChange) => Promise<void>
  readonly #taken: () => Promise<void>
  /** Bounded by what the client subscribed to. */
  readonly #waiting = new Map<string, McpChange>()
  #isSending = false

  /** @param taken Resolves when the client has taken everything sent. */
  constructor(send: (change: McpChange) => Promise<void>, taken: () => Promise<void>) {
    this.#send = send
    this.#taken = taken
  }

  has(change: McpChange): void {
    this.#waiting.set(keyOf(change), change)
    // Dropped when the client is gone.
    if (!this.#isSending) this.#sendAll().catch(() => this.end())
  }

  end(): void {
    this.#waiting.clear()
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true
    try {
      for (;;) {
        await this.#taken()
        const [next] = this.#waiting
        if (!next) return
        this.#waiting.delete(next[0])
        await this.#send(next[1])
      }
    } finally {
      this.#isSending = false
    }
  }
}
