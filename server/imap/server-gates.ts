/** The mail servers of all accounts: one `ServerGate` for each place. */
import type { MailPlace } from './mail-gateway.ts'
import { ServerGate, type ServerGateOptions } from './server-gate.ts'

/** More places than accounts have; past it, those at which nothing happens are forgotten. */
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

  /** @param error Of a connection beside the gate. */
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
