/** The gates of all mail servers: one `ServerGate` per host, port and TLS mode. */
import type { MailPlace } from './mail-gateway.ts'
import { ServerGate, type ServerGateOptions } from './server-gate.ts'

/** Gates kept; above it idle ones are dropped. Accounts have fewer servers than that. */
const maxGates = 1_000

export class ServerGates {
  readonly #options: ServerGateOptions
  readonly #gates = new Map<string, ServerGate>()

  constructor(options: ServerGateOptions) {
    this.#options = options
  }

  of(place: MailPlace): ServerGate {
    const key = keyOf(place)
    const known = this.#gates.get(key)
    if (known) return known
    if (this.#gates.size >= maxGates) {
      for (const [other, gate] of this.#gates) if (gate.isIdle) this.#gates.delete(other)
    }
    const gate = new ServerGate(place, this.#options)
    this.#gates.set(key, gate)
    return gate
  }

  /** @param error The error of a connection opened outside the gate. */
  async judged(place: MailPlace, error: unknown): Promise<unknown> {
    return this.#gates.get(keyOf(place))?.judged(error) ?? error
  }

  stop(): void {
    for (const gate of this.#gates.values()) gate.stop()
  }
}

function keyOf({ tls, host, port }: MailPlace): string {
  return `${tls} ${host}:${port}`
}
