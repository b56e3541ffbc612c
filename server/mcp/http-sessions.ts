/**
 * Sessions of Streamable HTTP before 2026: their name says, signed, what client it is (revision, what it can be asked, who it says it is), so that they outlive a
 * restart and are the same in every process. What else is known of one is kept in memory for the last of them, and is lost without harm.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { ownCopy } from '../platform/text.ts'
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

/** Of one session: anyone who knows its name can use it with another token. */
const maxPrincipals = 2
/** Of which more than their names is known: a few hundred bytes each, and the URIs that it subscribed to. */
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
/** What a client calls itself finds room in the name of its run, or stands behind it. */
const shortPeerBytes = 18
/** More than every client of today takes. */
const peerBytes = 200

export class HttpSessions {
  readonly #key: Uint8Array
  /** By name; the last one used is the last. */
  readonly #remembered = new Map<string, HttpSession>()

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** @returns its name, which is that of the run (visible ASCII, at most 64 characters), or begins with that. */
  open(handshake: McpHandshake): string {
    const { revision, peer, capabilities } = handshake
    const bits = abilities.reduce((sum, path, index) => sum + (has(capabilities, path) ? 1 << index : 0), 0)
    const head = Buffer.concat([Buffer.from([revisions.indexOf(revision), bits]), randomBytes(headBytes - 2)])
    const words = wordsOf(peer)
    const name = nameOf(Buffer.concat([head, this.#sign(head, words)]), words)
    // Of what it said only what is used, which after a restart is all that is known: the rest may be long.
    const kept = peer && { name: ownCopy(peer.name), version: ownCopy(peer.version) }
    this.#remember(name, begun({ revision, peer: kept, capabilities: capabilitiesOf(bits) }))
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
    const session = begun(handshake)
    this.#remember(name, session)
    return session
  }

  #read(name: string): McpHandshake | undefined {
    if (name.length > maxLength) return undefined
    const parts = name.slice(prefix.length).split('.')
    const bytes = Buffer.concat(parts.map(part => Buffer.from(part, 'base64url')))
    const wordsAt = headBytes + signatureBytes
    const [head, words] = [bytes.subarray(0, headBytes), bytes.subarray(wordsAt)]
    // No name can be written in two ways.
    if (bytes.length < wordsAt || nameOf(bytes.subarray(0, wordsAt), words) !== name) return undefined
    if (!timingSafeEqual(bytes.subarray(headBytes, wordsAt), this.#sign(head, words))) return undefined
    const revision = revisions[head[0] ?? -1]
    return revision && { revision, peer: peerIn(words), capabilities: capabilitiesOf(head[1] ?? 0) }
  }

  #remember(name: string, session: HttpSession): void {
    this.#remembered.delete(name)
    this.#remembered.set(name, session)
    if (this.#remembered.size <= maxRemembered) return
    // What a stream is told of is known as long as it is open, however many sessions others open. There are fewer places for streams.
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

/** The name of the run, under which what it does is stored. */
export function runOf(name: string): string {
  return ofLongPeer.exec(name)?.[1] ?? name
}

/** Its name, if need be cut between characters, and its version where that finds room as a whole. */
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
  return { ...handshake, subscribed: new Map(), logLevel: undefined, stream: undefined }
}

/** In the place of the one before. @returns To be called when it is over. */
export function openStream(session: HttpSession, stream: { end(): void }): () => void {
  session.stream?.end()
  session.stream = stream
  return () => {
    if (session.stream === stream) session.stream = undefined
  }
}

/** What the principal subscribed to in the session. */
export function urisOf({ subscribed }: HttpSession, principalId: string): Set<string> {
  const uris = subscribed.get(principalId) ?? new Set()
  // The one that was used last is the last.
  subscribed.delete(principalId)
  subscribed.set(principalId, uris)
  const [oldest] = subscribed.keys()
  if (subscribed.size > maxPrincipals && oldest !== undefined) subscribed.delete(oldest)
  return uris
}

function capabilitiesOf(bits: number): Record<string, Record<string, object>> {
  const capabilities: Record<string, Record<string, object>> = {}
  for (const [index, [first, second]] of abilities.entries()) {
    if (!(bits & (1 << index))) continue
    capabilities[first] = { ...capabilities[first], ...(second ? { [second]: {} } : {}) }
  }
  return capabilities
}

/** Whether an object is at the end of the path. */
function has(capabilities: unknown, path: readonly string[]): boolean {
  const end = path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    capabilities,
  )
  return typeof end === 'object' && end !== null
}
