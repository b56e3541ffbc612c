/** The table behind the registry: finds a client in one look-up, and knows which one to evict. */
import { randomUUID } from 'node:crypto'
import type { ClientKind } from '../../contract/clients.ts'

/** The current state of a client. Times are epoch milliseconds. */
export interface Client {
  readonly id: string
  readonly kind: ClientKind
  readonly principalId: string
  readonly principalName: string
  readonly address: string
  readonly userAgent: string
  readonly connectedAt: number
  readonly lastActivity: number
  readonly requestCount: number
  readonly streamCount: number
  readonly eventsSent: number
  readonly eventsDropped: number
}

/** An open stream of a client. */
export interface Closable {
  close(reason: 'kicked'): void
}
export type Identity = Pick<Client, 'kind' | 'principalId' | 'principalName' | 'address' | 'userAgent'>
export type Entry = { -readonly [K in keyof Client]: Client[K] } & {
  readonly streams: Set<Closable>
  /** `lastActivity` when it was last moved to the end of the resting ones. */
  orderedAt: number
}
type Place = Pick<Identity, 'principalId' | 'address'>

const orderMs = 1000

/** Enforces no bounds: callers check `size` and `agentsAt` before they add. */
export class ClientTable {
  readonly #clients = new Map<string, Entry>()
  /** Clients without a stream, longest idle first, to the second. */
  readonly #resting = new Map<string, Entry>()
  /** Clients by principal and address, then by user agent. */
  readonly #places = new Map<string, Map<string, Entry>>()
  readonly #countOf = new Map<string, number>()
  /** The clients in order of connection, cached: copying the table costs more than finding a page in it. */
  #listed: Entry[] | undefined
  /** True if the cached list is ordered by `connectedAt`, so the clock was not set back. */
  #isInOrder = true

  get size(): number {
    return this.#clients.size
  }

  /** Returns the clients in order of connection. Not to be changed or kept. */
  list(): readonly Entry[] {
    if (this.#listed) return this.#listed
    const listed = [...this.#clients.values()]
    this.#isInOrder = listed.every(({ connectedAt }, at) => at === 0 || listed[at - 1]!.connectedAt <= connectedAt)
    this.#listed = listed
    return listed
  }

  /** True if the last result of `list` was ordered by `connectedAt`. */
  get isInOrder(): boolean {
    return this.#isInOrder
  }

  get(id: string): Entry | undefined {
    return this.#clients.get(id)
  }

  find(place: Place, userAgent: string): Entry | undefined {
    return this.#places.get(placeKey(place))?.get(userAgent)
  }

  /** Returns the number of user agents of one principal at one address. */
  agentsAt(place: Place): number {
    return this.#places.get(placeKey(place))?.size ?? 0
  }

  add(identity: Identity, now: number): Entry {
    const client: Entry = {
      // Cheap: Node draws the random bytes for many ids at a time.
      id: randomUUID(),
      ...identity,
      connectedAt: now,
      lastActivity: now,
      requestCount: 0,
      streamCount: 0,
      eventsSent: 0,
      eventsDropped: 0,
      streams: new Set(),
      orderedAt: now,
    }
    const key = placeKey(client)
    const agents = this.#places.get(key) ?? new Map<string, Entry>()
    this.#places.set(key, agents.set(client.userAgent, client))
    this.#clients.set(client.id, client)
    if (this.#listed) {
      this.#isInOrder &&= (this.#listed.at(-1)?.connectedAt ?? now) <= now
      this.#listed.push(client)
    }
    this.#resting.set(client.id, client)
    this.#countOf.set(client.principalId, (this.#countOf.get(client.principalId) ?? 0) + 1)
    return client
  }

  delete(client: Entry): void {
    if (this.#clients.delete(client.id)) this.#listed = undefined
    this.#resting.delete(client.id)
    const key = placeKey(client)
    const agents = this.#places.get(key)
    agents?.delete(client.userAgent)
    if (agents?.size === 0) this.#places.delete(key)
    const left = (this.#countOf.get(client.principalId) ?? 1) - 1
    if (left > 0) this.#countOf.set(client.principalId, left)
    else this.#countOf.delete(client.principalId)
  }

  /** Records a request. Moves the client at most once a second, since iterating a Map over fresh deletions is slow. */
  touch(client: Entry, now: number): void {
    client.lastActivity = now
    if (client.streams.size === 0 && Math.abs(now - client.orderedAt) >= orderMs) this.#rest(client)
  }

  /** Records that a stream of the client was opened or has ended. */
  touchStreams(client: Entry, now: number): void {
    client.lastActivity = now
    client.streamCount = client.streams.size
    if (client.streamCount > 0) this.#resting.delete(client.id)
    else if (this.#clients.has(client.id)) this.#rest(client)
  }

  /** Iterates clients without a stream, longest idle first, to the second; deleting while iterating is allowed. */
  resting(): Iterable<Entry> {
    return this.#resting.values()
  }

  /**
   * Finds the longest idle client without a stream of the principal with the most clients, so that a principal that
   * fills the table is evicted first. O(clients); undefined if every client holds a stream.
   */
  findDispensable(isSpared: (client: Entry) => boolean): Entry | undefined {
    let most = 0
    for (const count of this.#countOf.values()) most = Math.max(most, count)
    let first: Entry | undefined
    for (const client of this.#resting.values()) {
      if (isSpared(client)) continue
      first ??= client
      if (this.#countOf.get(client.principalId) === most) return client
    }
    return first
  }

  #rest(client: Entry): void {
    client.orderedAt = client.lastActivity
    this.#resting.delete(client.id)
    this.#resting.set(client.id, client)
  }
}

function placeKey({ principalId, address }: Place): string {
  return `${principalId}\n${address}`
}
