/**
 * Bounds the connections of each address and of each person, so that a client that opens thousands and says nothing, or never ends a head or a
 * body, takes the place of nobody else. A connection counts from when it is accepted: for its address until a request on it was let in
 * for somebody, for them from then on. While it carries a stream it does not: streams have bounds of their own.
 */
import type { EventEmitter } from 'node:events'
import type { Server, Socket } from 'node:net'
import type { Logger } from '../logger.ts'
import type { AddressRanges } from '../network/address-range.ts'
import { siteOf } from '../network/caller-address.ts'
import { limitKeyOf, type Principal, type PrincipalListener } from '../principal.ts'

export interface ConnectionLimitsOptions {
  /** They bring the connections of many on each of theirs, so that only the common bound is theirs. */
  trustedProxies: AddressRanges
  logger: Logger
  now: () => number
  /** Only a test gives others. */
  bounds?: ConnectionBounds | undefined
}

export interface ConnectionBounds {
  /** Of nobody known. IPv6: a network of 48 bits. */
  ofAddress: number
  /** Of a person, by whatever session or token, or of a key. */
  ofPrincipal: number
  /** Known or not. */
  ofAll: number
}

interface Group {
  readonly name: string
  readonly bound: number
  /** Oldest first, by when they came or something was asked on them. */
  readonly sockets: Set<Socket>
  /** Where it is kept while there are any. */
  readonly among: Map<string, Group>
}

interface Connection {
  readonly place: string
  readonly onClose: () => void
  /** The principal that was let in on it last; undefined while anonymous. */
  principal: Principal | undefined
  /** Where it counts; undefined while it carries streams. */
  group: Group | undefined
  streams: number
}

/** Many people may share an address, and a program opens thousands before it says the first word on any of them. */
const defaults: ConnectionBounds = { ofAddress: 2_000, ofPrincipal: 500, ofAll: 5_000 }
/** One line of the log in this time; what comes within the first moment is told in one. */
const quietMs = 60_000
const gatherMs = 1_000
const proxies = 'proxies'

export class ConnectionLimits implements PrincipalListener {
  readonly #options: ConnectionLimitsOptions
  readonly #bounds: ConnectionBounds
  readonly #connections = new Map<Socket, Connection>()
  readonly #places = new Map<string, Group>()
  readonly #principals = new Map<string, Group>()
  /** At each number the groups that have so many, so that the busiest is found without looking at all of them. */
  readonly #bySize: Set<Group>[] = []
  #most = 0
  #size = 0
  /** Since the last line. */
  #closed = 0
  #lastClosed = ''
  #line: NodeJS.Timeout | undefined
  #quietUntil = 0
  #none = Promise.withResolvers<void>()

  constructor(options: ConnectionLimitsOptions) {
    this.#options = options
    this.#bounds = options.bounds ?? defaults
  }

  /** Connections that count now. */
  get size(): number {
    return this.#size
  }

  /** Resolves when none is open but streams, at once when that is so now. */
  whenNone(): Promise<void> {
    return this.#connections.size === 0 ? Promise.resolve() : this.#none.promise
  }

  /** Called when all other listeners of the server are in their places. */
  watch(server: Server): void {
    server.prependListener('connection', (socket: Socket) => this.#accept(socket))
    server.once('close', () => this.#say())
  }

  /**
   * A request on it was let in, so that others of its group are closed before it. One that was refused is no such request.
   * @param principal Undefined for anonymous callers, which leaves it with the principal that was known on it.
   */
  admitted(socket: Socket, principal: Principal | undefined): void {
    const connection = this.#connections.get(socket)
    if (!connection) return
    if (principal !== undefined && connection.place !== proxies) connection.principal = principal
    if (connection.streams === 0) this.#join(socket, connection)
  }

  /** Until this stream closes, the connection that it came by does not count. */
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

  /** It became a stream, which ends with it: it counts no more. */
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

  /** It is still somebody. */
  changed(): void {}

  /** Its connections are anonymous again: they count for their addresses. */
  revoked(principalId: string): void {
    // Revoking is rare, and there are no more than are open.
    for (const [socket, connection] of this.#connections) {
      if (connection.principal?.id !== principalId) continue
      connection.principal = undefined
      if (connection.streams === 0) this.#join(socket, connection)
    }
  }

  #accept(socket: Socket): void {
    const { remoteAddress } = socket
    // It is gone already.
    if (remoteAddress === undefined) return
    const place = this.#options.trustedProxies.has(remoteAddress) ? proxies : siteOf(remoteAddress)
    const onClose = () => this.release(socket)
    socket.once('close', onClose)
    const connection: Connection = { place, onClose, principal: undefined, group: undefined, streams: 0 }
    this.#connections.set(socket, connection)
    this.#join(socket, connection)
  }

  /** The group that it belongs to by now, as the newest of it. */
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
    // Node accepts one connection in a turn of its loop and reads what others have sent, so those who ask at once do not come to this.
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

  /** Keeps the order of sizes; a group changes by one at a time. */
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
