/** The GET stream of Streamable HTTP before 2026: changes for a session, and nothing else. */
import type { HttpSession } from './http-sessions.ts'
import type { McpChange } from './mcp-port.ts'
import { SessionChanges } from './session-changes.ts'
import type { SseWire } from './sse-wire.ts'

export class ChangeStream {
  readonly #wire: SseWire
  readonly #changes: SessionChanges
  readonly #subscribed: ReadonlySet<string>

  constructor(wire: SseWire, { subscribed }: HttpSession) {
    this.#wire = wire
    this.#subscribed = subscribed
    this.#changes = new SessionChanges(
      change => wire.send({ jsonrpc: '2.0', ...notificationOf(change) }),
      () => wire.taken(),
    )
    wire.ended.then(() => this.#changes.end())
  }

  publish(change: McpChange): void {
    if (change.of !== 'resource' || this.#subscribed.has(change.uri)) this.#changes.has(change)
  }

  end(): void {
    this.#wire.end()
  }

  cut(): void {
    this.#wire.cut()
  }
}

export function notificationOf(change: McpChange): { method: string; params?: Record<string, unknown> } {
  if (change.of === 'resource') return { method: 'notifications/resources/updated', params: { uri: change.uri } }
  return { method: `notifications/${change.of}/list_changed` }
}
