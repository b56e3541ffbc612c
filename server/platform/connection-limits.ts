/**
 * Bounds the connections of those who are not known, so that who opens thousands and says nothing, or never ends a head or a body, takes
 * the place of nobody else. A connection counts from when it is accepted until a request on it is known to be somebody's.
 */
import type { Server, Socket } from 'node:net'
import type { AddressRanges } from './address-range.ts'
import { placeOf } from './http-limits.ts'
import type { Logger } from './logger.ts'

export interface ConnectionLimitsOptions {
  /** They bring the connections of many, so that only the common bound is theirs. */
  trustedProxies: AddressRanges
  logger: Logger
  now: () => number
  /** Only a test gives others. */
  bounds?: ConnectionBounds | undefined
}

export interface ConnectionBounds {
  /** IPv6: a network of 64 bits. */
  ofAddress: number
  ofAll: number
}

/** Oldest first, by when they came or last asked something. */
type Group = Set<Socket>

interface Counted {
  place: string
  onClose: () => void
}

/** Many people may share an address, and a program opens thousands before it says the first word on any of them. */
const defaults: ConnectionBounds = { ofAddress: 2_000, ofAll: 5_000 }
/** One line of the log in this time. */
const quietMs = 60_000
const proxies = 'proxies'

export class ConnectionLimits {
  readonly #options: ConnectionLimitsOptions
  readonly #bounds: ConnectionBounds
  readonly #counted = new Map<Socket, Counted>()
  readonly #groups = new Map<string, Group>()
  /** At each number the places that have so many, so that the busiest is found without looking at all of them. */
  readonly #bySize: Set<string>[] = []
  #most = 0
  /** Since the last line. */
  #closed = 0
  #lastClosed = ''
  #quietUntil = 0

  constructor(options: ConnectionLimitsOptions) {
    this.#options = options
    this.#bounds = options.bounds ?? defaults
  }

  /** Connections that count now. */
  get size(): number {
    return this.#counted.size
  }

  /** Called when all other listeners of the server are in their places. */
  watch(server: Server): void {
    server.prependListener('connection', (socket: Socket) => this.#count(socket))
  }

  /** A request of somebody known came on it: it counts no more. */
  release(socket: Socket): void {
    const counted = this.#counted.get(socket)
    if (!counted) return
    socket.off('close', counted.onClose)
    this.#counted.delete(socket)
    const group = this.#groups.get(counted.place)
    group?.delete(socket)
    this.#resized(counted.place, group?.size ?? 0, -1)
  }

  /** A request of nobody known came on it: others of its address are closed before it. */
  renew(socket: Socket): void {
    const counted = this.#counted.get(socket)
    const group = counted && this.#groups.get(counted.place)
    if (group?.delete(socket)) group.add(socket)
  }

  #count(socket: Socket): void {
    const { remoteAddress } = socket
    // It is gone already.
    if (remoteAddress === undefined) return
    const place = this.#options.trustedProxies.has(remoteAddress) ? proxies : placeOf(remoteAddress)
    const onClose = () => this.release(socket)
    socket.once('close', onClose)
    this.#counted.set(socket, { place, onClose })
    const group = this.#groups.get(place) ?? new Set()
    this.#groups.set(place, group.add(socket))
    this.#resized(place, group.size, 1)
    if (this.#isBeyond) this.#trim()
  }

  get #isBeyond(): boolean {
    return this.#most > this.#bounds.ofAddress || this.#counted.size > this.#bounds.ofAll
  }

  /** Node accepts one connection in a turn of its loop and reads what others have sent, so those who ask at once do not come to this. */
  #trim(): void {
    while (this.#isBeyond) {
      const proxied = this.#groups.get(proxies)?.size ?? 0
      const [busiest = proxies] = this.#bySize[this.#most] ?? []
      const place = this.#most > this.#bounds.ofAddress || this.#most >= proxied ? busiest : proxies
      const [oldest] = this.#groups.get(place) ?? []
      if (!oldest) return
      this.release(oldest)
      oldest.destroy()
      this.#closed++
      this.#lastClosed = place
    }
    this.#say()
  }

  #say(): void {
    const { logger, now } = this.#options
    if (this.#closed === 0 || now() < this.#quietUntil) return
    this.#quietUntil = now() + quietMs
    logger.warn(
      { address: this.#lastClosed, closed: this.#closed, open: this.#counted.size },
      'too many connections of those who are not signed in: the oldest of the busiest address are closed',
    )
    this.#closed = 0
  }

  /** Keeps the order of sizes; a group changes by one at a time. */
  #resized(place: string, size: number, change: 1 | -1): void {
    if (size === 0) this.#groups.delete(place)
    if (place === proxies) return
    this.#bySize[size - change]?.delete(place)
    this.#bySize[size] ??= new Set()
    if (size > 0) this.#bySize[size].add(place)
    if (change === 1) this.#most = Math.max(this.#most, size)
    else if (this.#bySize[this.#most]?.size === 0) this.#most--
  }
}
