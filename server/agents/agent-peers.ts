/**
 * The agents that were seen: one client of one principal, in one run if it names that. Bounded, and lost at a restart.
 */
import { randomUUID } from 'node:crypto'
import { type McpTransport, peerBounds } from '../../contract/agents.ts'
import type { Caller, Principal } from '../platform/principal.ts'
import { ownCopy } from '../platform/text.ts'
import { cleanLine } from '../reading/stranger-text.ts'

export interface ToolSums {
  calls: number
  errors: number
  bytes: number
  tokens: number
}

/** A known agent. Times are epoch milliseconds. */
export interface Peer {
  readonly id: string
  readonly principalId: string
  readonly kind: Principal['kind']
  readonly address: string
  readonly userAgent: string
  readonly session: string | undefined
  readonly connectedAt: number
  principalName: string
  /** All accounts that it could ever see: only callers that see them all are shown the totals of its calls. */
  accounts: Principal['accounts']
  name: string | undefined
  version: string | undefined
  revision: string | undefined
  transport: McpTransport
  lastSeenAt: number
  openCalls: number
  openStreams: number
  lastCall: { tool: string; at: number } | undefined
  readonly tools: Map<string, ToolSums>
}

/** A client's statements about itself: a stranger's words. */
export interface PeerWords {
  transport: McpTransport
  revision: string | undefined
  peer: { name: string; version: string } | undefined
}

const maxPeers = 500
/** Upper bound of peers per principal, so that one token cannot evict those of others by inventing names. */
const maxPeersOfPrincipal = 20
const forgetAfterMs = 24 * 60 * 60_000
const anyRevision = /^\d{4}-\d\d-\d\d$/

export class AgentPeers {
  /** The peers by key; the one seen longest ago is first. */
  readonly #peers = new Map<string, Peer>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Returns the known or new peer for this client. @param session The id of its run, if the protocol assigned one. */
  seen(caller: Caller, words: PeerWords, session = caller.principal.workSession): Peer {
    const { principal } = caller
    const key = keyOf(caller, words, session)
    const peer = this.#peers.get(key) ?? this.#newPeer(caller, words, session)
    this.#peers.delete(key)
    this.#peers.set(key, peer)
    peer.lastSeenAt = this.#now()
    peer.principalName = principal.name
    if (peer.accounts !== principal.accounts) peer.accounts = together(peer.accounts, principal.accounts)
    this.#learn(peer, words)
    this.#makeRoom(principal.id)
    return peer
  }

  /** Finds the peer of a call whose exchange is unknown: the last one seen of this principal and run. */
  lastOf({ principal: { id, workSession }, address, userAgent }: Caller): Peer | undefined {
    const own = [...this.#peers.values()].filter(peer => peer.principalId === id && peer.session === workSession)
    return own.findLast(peer => peer.address === address && peer.userAgent === userAgent) ?? own.at(-1)
  }

  /** Lists the peers, the one seen last first. */
  list(): Peer[] {
    const oldest = this.#now() - forgetAfterMs
    for (const [key, peer] of this.#peers) if (peer.lastSeenAt < oldest && !isOpen(peer)) this.#peers.delete(key)
    return [...this.#peers.values()].reverse()
  }

  #newPeer({ principal, address, userAgent }: Caller, { transport }: PeerWords, session: string | undefined): Peer {
    const now = this.#now()
    return {
      id: randomUUID(),
      principalId: principal.id,
      principalName: principal.name,
      kind: principal.kind,
      address: ownCopy(address),
      userAgent: ownCopy(userAgent),
      session: session === undefined ? undefined : ownCopy(session),
      accounts: principal.accounts,
      connectedAt: now,
      lastSeenAt: now,
      name: undefined,
      version: undefined,
      revision: undefined,
      transport,
      openCalls: 0,
      openStreams: 0,
      lastCall: undefined,
      tools: new Map(),
    }
  }

  #learn(peer: Peer, { transport, revision, peer: words }: PeerWords): void {
    peer.transport = transport
    if (revision !== undefined && anyRevision.test(revision)) peer.revision = ownCopy(revision)
    if (!words) return
    peer.name = ownCopy(cleanLine(words.name, peerBounds.name)) || undefined
    peer.version = ownCopy(cleanLine(words.version, peerBounds.version)) || undefined
  }

  #makeRoom(principalId: string): void {
    const own = [...this.#peers].filter(([, peer]) => peer.principalId === principalId)
    if (own.length > maxPeersOfPrincipal) this.#drop(own)
    if (this.#peers.size > maxPeers) this.#drop([...this.#peers])
  }

  /** Evicts a peer with nothing open, if there is one; never the one that was just seen. */
  #drop(entries: [string, Peer][]): void {
    const others = entries.slice(0, -1)
    const [key] = others.find(([, peer]) => !isOpen(peer)) ?? others[0] ?? []
    if (key !== undefined) this.#peers.delete(key)
  }
}

function isOpen({ openCalls, openStreams }: Peer): boolean {
  return openCalls + openStreams > 0
}

/** Returns the key of a peer; in a named run, requests need not repeat the client's name. */
function keyOf({ principal, address, userAgent }: Caller, { peer }: PeerWords, session: string | undefined): string {
  const who = session === undefined ? [peer?.name ?? '', peer?.version ?? ''] : [session]
  return JSON.stringify([principal.id, address, userAgent, session !== undefined, ...who])
}

function together(one: Principal['accounts'], other: Principal['accounts']): Principal['accounts'] {
  if (one === 'all' || other === 'all') return 'all'
  return [...other].every(id => one.has(id)) ? one : new Set([...one, ...other])
}
