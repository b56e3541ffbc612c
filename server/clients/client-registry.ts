/** Tracks who is connected: one client is one principal from one address with one user agent. */
import type { ClientKind } from '../../contract/clients.ts'
import type { EventOf } from '../../contract/event.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { RequestOutcome } from '../platform/http/http-outcome.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { Caller, Principal } from '../platform/principal.ts'
import { ownCopy } from '../platform/text.ts'
import { type Client, ClientTable, type Closable, type Entry, type Identity } from './client-table.ts'

/** The counters of one open stream, updated by the code that opened it. */
export interface ClientStream {
  readonly clientId: string
  sent(count: number): void
  dropped(count: number): void
  /** Called when the stream has ended, for any reason; idempotent. */
  closed(): void
}

type LeaveReason = EventOf<'client_disconnected'>['data']['reason']

/** Milliseconds after its last request or stream. */
const forgetAfterMs = 15 * 60_000
const sweepMs = 60_000
const maxClients = 10_000
/** User agents listed separately for one principal at one address; further ones count as one client. */
const maxAgentsPerPlace = 100

const kinds: Record<Principal['kind'], ClientKind> = {
  session: 'browser',
  token: 'api',
  api_key: 'api',
  anonymous: 'api',
}
const otherAgents = '(other user agents)'
const others: Identity = {
  kind: 'api',
  principalId: '(others)',
  principalName: '(others)',
  address: '(others)',
  userAgent: '(others)',
}

/**
 * Tracks at most 10,000 clients, and one more that stands for all newcomers while each of them holds a stream.
 *
 * Nobody can evict others by inventing user agents: beyond a hundred from one place (principal and address), and in a
 * full table beyond the first, they count as one client, which costs neither memory nor events. With many addresses a
 * principal can fill the table, but eviction takes the longest idle client of the principal with the most, so its own
 * are evicted first.
 */
export class ClientRegistry {
  readonly #hub: Pick<EventHub, 'publish'>
  readonly #logger: Logger
  readonly #table = new ClientTable()
  readonly #shared: Shared = { table: this.#table, sent: 0, dropped: 0 }
  #ending: AbortController | undefined

  constructor({ hub, logger }: { hub: Pick<EventHub, 'publish'>; logger: Logger }) {
    this.#hub = hub
    this.#logger = logger
  }

  /** Starts evicting idle clients. */
  start(): void {
    if (this.#ending) return
    this.#ending = new AbortController()
    every(
      sweepMs,
      this.#ending.signal,
      () => this.#sweep(Date.now()),
      err => this.#logger.error({ err }, 'idle clients could not be removed'),
    )
  }

  stop(): void {
    this.#ending?.abort()
    this.#ending = undefined
  }

  /** Counts a finished request, in O(1). Anonymous callers are not tracked. */
  record({ caller }: Pick<RequestOutcome, 'caller'>, now = Date.now()): void {
    if (!caller || caller.principal.kind === 'anonymous') return
    const client = this.#clientOf(caller, now)
    client.requestCount += 1
    this.#table.touch(client, now)
  }

  /** Shows a client as of this kind from now on; counts nothing. */
  recognise(caller: Caller, kind: ClientKind, now = Date.now()): void {
    if (caller.principal.kind === 'anonymous') return
    const client = this.#clientOf(caller, now, kind)
    // In a full table the entry may stand for many clients.
    if (client.principalId === caller.principal.id) client.kind = kind
  }

  /** Returns the client's id; undefined if it is unknown, or counted together with others. */
  idOf({ principalId, address, userAgent }: Pick<Client, 'principalId' | 'address' | 'userAgent'>): string | undefined {
    return this.#table.find({ principalId, address }, userAgent)?.id
  }

  /**
   * Counts a stream, not a request; its client is not evicted while the stream is open.
   * @param close Called when the client is disconnected; it must end the stream.
   */
  openStream(caller: Caller, close: Closable['close']): ClientStream {
    const client = this.#clientOf(caller, Date.now())
    const stream = new OpenStream(client, close, this.#shared)
    client.streams.add(stream)
    this.#table.touchStreams(client, Date.now())
    return stream
  }

  /** Returns the current clients in order of connection; a live view, not to be kept. */
  list(): readonly Client[] {
    return this.#table.list()
  }

  /** True if the list is also ordered by `connectedAt`, which setting the clock back can prevent. */
  get isInOrder(): boolean {
    return this.#table.isInOrder
  }

  /** Closes the streams of a client and removes it. Returns false if there is none with this id. */
  disconnect(id: string): boolean {
    const client = this.#table.get(id)
    if (!client) return false
    this.#remove(client, 'kicked', Date.now())
    for (const stream of [...client.streams]) {
      try {
        stream.close('kicked')
      } catch (err) {
        this.#logger.error({ err, client_id: id }, 'a stream could not be closed')
      }
    }
    return true
  }

  /** The events of all streams since the start, including those of evicted clients. */
  get totals(): { sent: number; dropped: number } {
    return { sent: this.#shared.sent, dropped: this.#shared.dropped }
  }

  #clientOf({ principal, address, userAgent }: Caller, now: number, kind = kinds[principal.kind]): Entry {
    const place = { principalId: principal.id, address }
    const known = this.#table.find(place, userAgent)
    if (known) return known
    const isCrowded = this.#table.agentsAt(place) >= (this.#table.size < maxClients ? maxAgentsPerPlace : 1)
    const crowd = isCrowded ? this.#table.find(place, otherAgents) : undefined
    if (crowd) return crowd
    if (!this.#makeRoom(now)) return this.#table.find(others, others.userAgent) ?? this.#add(others, now)
    const agent = isCrowded ? otherAgents : ownCopy(userAgent)
    // Copied, since it may be a slice of a request head, from a proxy's header.
    const own = { principalId: principal.id, address: ownCopy(address) }
    return this.#add({ ...own, kind, principalName: principal.name, userAgent: agent }, now)
  }

  #makeRoom(now: number): boolean {
    if (this.#table.size < maxClients) return true
    const client = this.#table.findDispensable(({ principalId }) => principalId === others.principalId)
    if (client) this.#remove(client, 'crowded', now)
    return client !== undefined
  }

  #sweep(now: number): void {
    for (const client of this.#table.resting()) {
      if (now - client.lastActivity < forgetAfterMs) return
      this.#remove(client, 'idle', now)
    }
  }

  #add(identity: Identity, now: number): Entry {
    const client = this.#table.add(identity, now)
    this.#hub.publish({ type: 'client_connected', data: factOf(client, now) })
    return client
  }

  #remove(client: Entry, reason: LeaveReason, now: number): void {
    this.#table.delete(client)
    this.#hub.publish({ type: 'client_disconnected', data: { ...factOf(client, now), reason } })
  }
}

/** Counters of all streams. */
interface Shared {
  readonly table: ClientTable
  sent: number
  dropped: number
}

/** One object per stream instead of a closure per callback, since there may be ten thousand. */
class OpenStream implements ClientStream {
  readonly close: Closable['close']
  readonly #client: Entry
  readonly #shared: Shared

  constructor(client: Entry, close: Closable['close'], shared: Shared) {
    this.close = close
    this.#client = client
    this.#shared = shared
  }

  get clientId(): string {
    return this.#client.id
  }

  sent(count: number): void {
    this.#client.eventsSent += count
    this.#shared.sent += count
  }

  dropped(count: number): void {
    this.#client.eventsDropped += count
    this.#shared.dropped += count
  }

  closed(): void {
    // The request that carried the stream ends with it, so this is activity.
    if (this.#client.streams.delete(this)) this.#shared.table.touchStreams(this.#client, Date.now())
  }
}

function factOf(client: Client, now: number): EventOf<'client_connected'>['data'] {
  return {
    client_id: client.id,
    kind: client.kind,
    principal: client.principalName,
    ip_address: client.address,
    user_agent: client.userAgent,
    at: new Date(now).toISOString(),
  }
}
