/**
 * Bounds connections per address and per principal, so that a client with thousands of silent or slow ones cannot
 * displace others. A connection counts from when it is accepted: for its address until a request on it was
 * authenticated, then for that principal. It does not count while it carries a stream, which has its own bounds.
 */
import type { EventEmitter } from 'node:events'
import type { Server, Socket } from 'node:net'
import type { Logger } from '../logger.ts'
import type { AddressRanges } from '../network/address-range.ts'
import { siteOf } from '../network/caller-address.ts'
import { limitKeyOf, type Principal, type PrincipalListener } from '../principal.ts'

export interface ConnectionLimitsOptions {
  /** Proxies multiplex the requests of many clients, so that only the total bound applies to them. */
  trustedProxies: AddressRanges
  logger: Logger
  now: () => number
  /** Overridden only by tests. */
  bounds?: ConnectionBounds | undefined
}

export interface ConnectionBounds {
  /** Anonymous connections per address (IPv6: /48 network). */
  ofAddress: number
  /** Connections per person, over all sessions and tokens, or per key. */
  ofPrincipal: number
  /** All connections. */
  ofAll: number
}

interface Group {
  readonly name: string
  readonly bound: number
  /** Least recently used first, by connect or request. */
  readonly sockets: Set<Socket>
  /** The map that holds the group while it has connections. */
  readonly among: Map<string, Group>
}

interface Connection {
  readonly place: string
  readonly onClose: () => void
  /** The last principal authenticated on it; undefined while anonymous. */
  principal: Principal | undefined
  /** The group in which it counts; undefined while it carries streams. */
  group: Group | undefined
  streams: number
}

/** `ofAddress` is high: people share addresses, and programs may open thousands before the first request. */
const defaults: ConnectionBounds = { ofAddress: 2_000, ofPrincipal: 500, ofAll: 5_000 }
/** Interval of log lines; closes within the first `gatherMs` are reported together. */
const quietMs = 60_000
const gatherMs = 1_000
const proxies = 'proxies'

export class ConnectionLimits implements PrincipalListener {
  readonly #options: ConnectionLimitsOptions
  readonly #bounds: ConnectionBounds
  readonly #connections = new Map<Socket, Connection>()
  readonly #places = new Map<string, Group>()
  readonly #principals = new Map<string, Group>()
  /** Groups by number of connections, to find the busiest in constant time. */
  readonly #bySize: Set<Group>[] = []
  #most = 0
  #size = 0
  /** Connections closed since the last log line. */
  #closed = 0
  #lastClosed = ''
  #line: NodeJS.Timeout | undefined
  #quietUntil = 0
  #none = Promise.withResolvers<void>()

  constructor(options: ConnectionLimitsOptions) {
    this.#options = options
    this.#bounds = options.bounds ?? defaults
  }

  /** Connections currently counted. */
  get size(): number {
    return this.#size
  }

  /** Resolves when only streams are open, immediately if that is already the case. */
  whenNone(): Promise<void> {
    return this.#connections.size === 0 ? Promise.resolve() : this.#none.promise
  }

  /** Starts counting; call it after all other listeners of the server are installed. */
  watch(server: Server): void {
    server.prependListener('connection', (socket: Socket) => this.#accept(socket))
    server.once('close', () => this.#say())
  }

  /**
   * Records an admitted request, which makes its connection the most recent of its group; rejected ones do not.
   * @param principal Undefined for anonymous callers, which leaves the connection with its last principal.
   */
  admitted(socket: Socket, principal: Principal | undefined): void {
    const connection = this.#connections.get(socket)
    if (!connection) return
    if (principal !== undefined && connection.place !== proxies) connection.principal = principal
    if (connection.streams === 0) this.#join(socket, connection)
  }

  /** Excludes a connection from counting until this stream on it closes. */
  carry(socket: Socket, stream: EventEmitter): void {
    const connection = this.#connections.get(socket)
    if (!connection) return
    connection.streams++
    this.#leave(socket, connection)
    stream.once('close', () => {
      connection.streams--
      if (connection.streams === 0 && this.#connections.has(socket)) this.#join(socket, connection)
    })
  }

  /** Forgets a connection that closed, or became a stream itself. */
  release(socket: Socket): void {
    const connection = this.#connections.get(socket)
    if (!connection) return
    socket.off('close', connection.onClose)
    this.#connections.delete(socket)
    this.#leave(socket, connection)
    if (this.#connections.size > 0) return
    this.#none.resolve()
    this.#none = Promise.withResolvers()
  }

  /** No-op: changed rights do not affect connections. */
  changed(): void {}

  /** Makes a revoked principal's connections anonymous, so that they count for their addresses. */
  revoked(principalId: string): void {
    // A full scan is fine: revoking is rare, and the number of connections is bounded.
    for (const [socket, connection] of this.#connections) {
      if (connection.principal?.id !== principalId) continue
      connection.principal = undefined
      if (connection.streams === 0) this.#join(socket, connection)
    }
  }

  #accept(socket: Socket): void {
    const { remoteAddress } = socket
    // The client has disconnected already.
    if (remoteAddress === undefined) return
    const place = this.#options.trustedProxies.has(remoteAddress) ? proxies : siteOf(remoteAddress)
    const onClose = () => this.release(socket)
    socket.once('close', onClose)
    const connection: Connection = { place, onClose, principal: undefined, group: undefined, streams: 0 }
    this.#connections.set(socket, connection)
    this.#join(socket, connection)
  }

  /** Moves a connection to the end of its current group, and closes the oldest one if a bound is exceeded. */
  #join(socket: Socket, connection: Connection): void {
    const group = this.#groupOf(connection)
    if (connection.group === group) {
      group.sockets.delete(socket)
      group.sockets.add(socket)
      return
    }
    this.#leave(socket, connection)
    connection.group = group
    group.sockets.add(socket)
    this.#resized(group, 1)
    // Node accepts one connection per turn and reads from others in between, so clients that send immediately are safe.
    if (group.sockets.size > group.bound) this.#closeOldest(group)
    else if (this.#size > this.#bounds.ofAll) this.#closeOldest(this.#bySize[this.#most]?.values().next().value)
  }

  #leave(socket: Socket, connection: Connection): void {
    const { group } = connection
    if (!group) return
    connection.group = undefined
    group.sockets.delete(socket)
    this.#resized(group, -1)
  }

  #groupOf({ principal, place }: Connection): Group {
    const { ofPrincipal, ofAddress } = this.#bounds
    if (principal) return groupIn(this.#principals, limitKeyOf(principal), ofPrincipal)
    return groupIn(this.#places, place, place === proxies ? Number.POSITIVE_INFINITY : ofAddress)
  }

  #closeOldest(group: Group | undefined): void {
    const [oldest] = group?.sockets ?? []
    if (!group || !oldest) return
    this.release(oldest)
    oldest.destroy()
    this.#closed++
    this.#lastClosed = group.name
    const waitMs = Math.max(gatherMs, this.#quietUntil - this.#options.now())
    this.#line ??= setTimeout(() => this.#say(), waitMs).unref()
  }

  #say(): void {
    clearTimeout(this.#line)
    this.#line = undefined
    if (this.#closed === 0) return
    const { logger, now } = this.#options
    this.#quietUntil = now() + quietMs
    logger.warn(
      { last_of: this.#lastClosed, closed: this.#closed, open: this.#size },
      'too many connections of an address, a principal, or all together: the oldest of the busiest were closed',
    )
    this.#closed = 0
  }

  /** Updates the index by size; a group changes by one at a time. */
  #resized(group: Group, change: 1 | -1): void {
    const { size } = group.sockets
    this.#size += change
    if (size === 0) group.among.delete(group.name)
    this.#bySize[size - change]?.delete(group)
    this.#bySize[size] ??= new Set()
    if (size > 0) this.#bySize[size].add(group)
    if (change === 1) this.#most = Math.max(this.#most, size)
    else if (this.#bySize[this.#most]?.size === 0) this.#most--
  }
}

function groupIn(groups: Map<string, Group>, name: string, bound: number): Group {
  const known = groups.get(name)
  if (known) return known
  const group: Group = { name, bound, sockets: new Set(), among: groups }
  groups.set(name, group)
  return group
}
