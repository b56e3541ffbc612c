/**
 * Sessions of Streamable HTTP before 2026: their name says, signed, what client it is (revision, what it can be asked), so that they outlive a
 * restart and are the same in every process. What else is known of one is kept in memory for the last of them, and is lost without harm.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { McpLogEntry, McpPeer, McpRevision } from './mcp-port.ts'

export const sessionHeader = 'mcp-session-id'

/** What a client said of itself when it initialized. */
export interface McpHandshake {
  revision: McpRevision
  peer: McpPeer | undefined
  capabilities: Record<string, unknown>
}

export interface HttpSession extends McpHandshake {
  /** URIs of resources of which it wants to hear, by principal. */
  readonly subscribed: Map<string, Set<string>>
  logLevel: McpLogEntry['level'] | undefined
  /** On which it hears of changes; a newer one takes its place. */
  stream: { end(): void } | undefined
}

/** Of one session and principal. */
export const maxSubscribed = 100
/** Of which more than their names is known; a few hundred bytes each. */
const maxRemembered = 2000
const prefix = 'mcp-'
const revisions: McpRevision[] = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']
/** What a client can be asked; in an order that must not change. */
const abilities = [
  ['roots'],
  ['sampling'],
  ['sampling', 'tools'],
  ['sampling', 'context'],
  ['elicitation'],
  ['elicitation', 'form'],
  ['elicitation', 'url'],
] as const
const headBytes = 12
const signatureBytes = 15

export class HttpSessions {
  readonly #key: Uint8Array
  /** By name; the last one used is the last. */
  readonly #remembered = new Map<string, HttpSession>()

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** @returns its name: visible ASCII, less than 64 characters. */
  open(handshake: McpHandshake): string {
    const bits = abilities.reduce((sum, path, index) => sum + (has(handshake.capabilities, path) ? 1 << index : 0), 0)
    const head = Buffer.concat([Buffer.from([revisions.indexOf(handshake.revision), bits]), randomBytes(headBytes - 2)])
    const name = prefix + Buffer.concat([head, this.#sign(head)]).toString('base64url')
    this.#remember(name, { ...handshake, subscribed: new Map(), logLevel: undefined, stream: undefined })
    return name
  }

  /** Undefined for what is no name of ours: the client initializes again. */
  find(name: string): HttpSession | undefined {
    const known = this.#remembered.get(name)
    if (known) {
      this.#remember(name, known)
      return known
    }
    const handshake = this.#read(name)
    if (!handshake) return undefined
    const session = { ...handshake, subscribed: new Map(), logLevel: undefined, stream: undefined }
    this.#remember(name, session)
    return session
  }

  #read(name: string): McpHandshake | undefined {
    const bytes = Buffer.from(name.slice(prefix.length), 'base64url')
    if (bytes.length !== headBytes + signatureBytes || prefix + bytes.toString('base64url') !== name) return undefined
    const head = bytes.subarray(0, headBytes)
    if (!timingSafeEqual(bytes.subarray(headBytes), this.#sign(head))) return undefined
    const revision = revisions[head[0] ?? -1]
    if (!revision) return undefined
    const capabilities: Record<string, Record<string, object>> = {}
    for (const [index, [first, second]] of abilities.entries()) {
      if (!((head[1] ?? 0) & (1 << index))) continue
      capabilities[first] = { ...capabilities[first], ...(second ? { [second]: {} } : {}) }
    }
    return { revision, peer: undefined, capabilities }
  }

  #remember(name: string, session: HttpSession): void {
    this.#remembered.delete(name)
    this.#remembered.set(name, session)
    const [oldest] = this.#remembered.keys()
    if (this.#remembered.size > maxRemembered && oldest !== undefined) this.#remembered.delete(oldest)
  }

  #sign(head: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update('mcp-session\0').update(head).digest().subarray(0, signatureBytes)
  }
}

/** Whether an object is at the end of the path. */
function has(capabilities: unknown, path: readonly string[]): boolean {
  const end = path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    capabilities,
  )
  return typeof end === 'object' && end !== null
}
