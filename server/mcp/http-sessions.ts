/**
 * Sessions of Streamable HTTP before 2026. The session id itself contains, signed, the client's handshake (revision,
 * capabilities, name), so that sessions survive restarts and are valid in every process. Anything else about a session
 * is cached for the most recent ones, and may be lost without harm.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { ownCopy } from '../platform/text.ts'
import type { McpLogEntry, McpPeer, McpRevision } from './mcp-port.ts'

export const sessionHeader = 'mcp-session-id'

/** The handshake of a client. */
export interface McpHandshake {
  revision: McpRevision
  peer: McpPeer | undefined
  capabilities: Record<string, unknown>
}

/** A session as one principal uses it. */
export interface HttpSession extends McpHandshake {
  /** URIs of the resources that it subscribed to. */
  readonly subscribed: Set<string>
  logLevel: McpLogEntry['level'] | undefined
  /** The stream on which it is notified of changes; a newer one replaces it. */
  stream: { end(): void } | undefined
}

/** Cached sessions: a few hundred bytes each, and the subscribed URIs; past it the least recently used is evicted. */
const maxRemembered = 2000
const prefix = 'mcp-'
const revisions: McpRevision[] = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']
/** Requestable client capabilities, one bit each; their order must not change. */
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
/** Bytes of a client name that fits into the name of the run; a longer one is appended to it. */
const shortPeerBytes = 18
/** Bytes of the client's name and version; more than any known client needs. */
const peerBytes = 200

export class HttpSessions {
  readonly #key: Uint8Array
  /**
   * Sessions by id and principal, most recently used last. An id is no secret, since it names the run: a caller that
   * uses it with another token shares nothing but the handshake.
   */
  readonly #remembered = new Map<string, HttpSession>()

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /**
   * @returns The session id: the name of the run (visible ASCII, at most 64 characters), or a text that begins with it.
   */
  open(handshake: McpHandshake): string {
    const { revision, peer, capabilities } = handshake
    const bits = abilities.reduce((sum, path, index) => sum + (has(capabilities, path) ? 1 << index : 0), 0)
    const head = Buffer.concat([Buffer.from([revisions.indexOf(revision), bits]), randomBytes(headBytes - 2)])
    const words = wordsOf(peer)
    return nameOf(Buffer.concat([head, this.#sign(head, words)]), words)
  }

  /** Undefined for an invalid id, after which the client must initialize again. */
  find(name: string, principalId: string): HttpSession | undefined {
    const key = `${name} ${principalId}`
    const known = this.#remembered.get(key)
    if (known) {
      this.#remember(key, known)
      return known
    }
    const handshake = this.#read(name)
    if (!handshake) return undefined
    const session = begun(handshake)
    this.#remember(ownCopy(key), session)
    return session
  }

  #read(name: string): McpHandshake | undefined {
    if (name.length > maxLength) return undefined
    const parts = name.slice(prefix.length).split('.')
    const bytes = Buffer.concat(parts.map(part => Buffer.from(part, 'base64url')))
    const wordsAt = headBytes + signatureBytes
    const [head, words] = [bytes.subarray(0, headBytes), bytes.subarray(wordsAt)]
    // Each id has only one valid spelling.
    if (bytes.length < wordsAt || nameOf(bytes.subarray(0, wordsAt), words) !== name) return undefined
    if (!timingSafeEqual(bytes.subarray(headBytes, wordsAt), this.#sign(head, words))) return undefined
    const revision = revisions[head[0] ?? -1]
    return revision && { revision, peer: peerIn(words), capabilities: capabilitiesOf(head[1] ?? 0) }
  }

  #remember(key: string, session: HttpSession): void {
    this.#remembered.delete(key)
    this.#remembered.set(key, session)
    if (this.#remembered.size <= maxRemembered) return
    // Sessions with an open stream are not evicted; fewer streams than cached sessions are allowed.
    for (const [oldest, { stream }] of this.#remembered) {
      if (stream) continue
      this.#remembered.delete(oldest)
      return
    }
  }

  #sign(head: Uint8Array, words: Uint8Array): Buffer {
    const hmac = createHmac('sha256', this.#key).update('mcp-session\0').update(head).update(words)
    return hmac.digest().subarray(0, signatureBytes)
  }
}

const maxLength = 400

function nameOf(signed: Buffer, words: Uint8Array): string {
  if (words.length <= shortPeerBytes) return prefix + Buffer.concat([signed, words]).toString('base64url')
  return `${prefix}${signed.toString('base64url')}.${Buffer.from(words).toString('base64url')}`
}

const ofLongPeer = /^(mcp-[\w-]{36})\.[\w-]+$/

/** Returns the name of the run, under which its work is stored. */
export function runOf(name: string): string {
  return ofLongPeer.exec(name)?.[1] ?? name
}

/** Encodes the name, cut at a character if too long, and the version if it fits completely. */
function wordsOf(peer: McpPeer | undefined): Uint8Array {
  if (!peer) return new Uint8Array()
  const whole = Buffer.from(`${peer.name}\0${peer.version}`)
  if (whole.length <= peerBytes) return whole
  const room = new Uint8Array(peerBytes)
  return room.subarray(0, new TextEncoder().encodeInto(peer.name, room).written)
}

function peerIn(words: Buffer): McpPeer | undefined {
  if (words.length === 0) return undefined
  const [name = '', version = ''] = words.toString().split('\0')
  return { name, version }
}

function begun(handshake: McpHandshake): HttpSession {
  return { ...handshake, subscribed: new Set(), logLevel: undefined, stream: undefined }
}

/** Sets the session's stream, ending the previous one. @returns A function to be called when it is over. */
export function openStream(session: HttpSession, stream: { end(): void }): () => void {
  session.stream?.end()
  session.stream = stream
  return () => {
    if (session.stream === stream) session.stream = undefined
  }
}

function capabilitiesOf(bits: number): Record<string, Record<string, object>> {
  const capabilities: Record<string, Record<string, object>> = {}
  for (const [index, [first, second]] of abilities.entries()) {
    if (!(bits & (1 << index))) continue
    capabilities[first] = { ...capabilities[first], ...(second ? { [second]: {} } : {}) }
  }
  return capabilities
}

/** Returns whether there is an object at the end of the path. */
function has(capabilities: unknown, path: readonly string[]): boolean {
  const end = path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    capabilities,
  )
  return typeof end === 'object' && end !== null
}
