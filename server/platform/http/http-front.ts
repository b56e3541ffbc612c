/**
 * Handles connections before Node's HTTP parser, and answers requests for event streams from the bytes of their head:
 * a parser and response per stream take most of its memory. All else, and every rejection, is left to Node's server.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { parse as parseQuery } from 'node:querystring'
import type { Duplex } from 'node:stream'
import type { Endpoint, LimitName } from '../../../contract/endpoint.ts'
import { guard, type Operation, type Stops } from '../guard.ts'
import type { Logger } from '../logger.ts'
import { addressBehind, type ForwardedWatcher } from '../network/caller-address.ts'
import { type Caller, maxUserAgent, type Principal } from '../principal.ts'
import type { Shown } from '../shown.ts'
import { TurnBudget } from '../turn-budget.ts'
import { type Credentials, credentialsOf } from './http-credentials.ts'
import type { AllowedHosts } from './http-form.ts'
import { leaveSecretsOut, parseInput, type SafeInput } from './http-input.ts'
import type { Cors } from './http-origin.ts'
import { ignoreInput } from './http-pipelines.ts'
import { linesOf, type UnderWay } from './http-response.ts'
import { parseRequestHead, type RequestHead } from './request-head.ts'

/** The parts of a request that opening a stream needs. */
export interface StreamCall<Query> {
  principal: Principal
  caller: Caller
  query: Query
  header(name: string): string | undefined
  /**
   * Writes the head of a 200 that is delimited by the end of the connection, and returns the bare socket, without
   * framing or a response object. It is corked: the caller uncorks it once the first events are written, and ends it.
   * Rejections must happen before.
   */
  takeSocket(): Duplex
}

export interface StreamRoute {
  endpoint: Endpoint
  operation: Operation
  /** Additional headers of this answer. */
  head: Record<string, string>
  open(call: StreamCall<unknown>): void
}

/** Data about a stream that was opened, for observers. */
export interface OpenedStream {
  operation: Operation
  caller: Caller
  input: SafeInput | undefined
  requestId: string
  durationMs: number
}

interface ServedRoute extends StreamRoute {
  headLines: string
  safe: ReturnType<typeof leaveSecretsOut>
}

/** A request for a stream with credentials. */
interface StreamRequest {
  route: ServedRoute
  head: RequestHead
  address: string
  credentials: Credentials
  began: number
}

interface Known extends StreamRequest {
  principal: Principal
}

export interface HttpFrontOptions {
  logger: Logger
  isHttps: boolean
  /** Headers of every answer. */
  headers: Record<string, string>
  /** While it returns true, nothing is answered here. */
  isDraining(): boolean
  nextRequestId(): string
  hosts: AllowedHosts | undefined
  cors: Cors
  /** Returns false if the address is rate-limited, before credentials are looked up. Consumes no tokens. */
  mayRequest(address: string): boolean
  /** Returns false if the caller is rate-limited; Node's server then answers that. Consumes no tokens. */
  mayCall(principal: Principal, address: string, limit: LimitName | undefined): boolean
  /** Consumes the tokens of a request that is answered here. Node's server consumes those of all others. */
  count(principal: Principal, address: string, limit: LimitName | undefined): void
  authenticate(credentials: Credentials): Promise<Principal | undefined> | Principal | undefined
  stops: Stops | undefined
  shown: Shown | undefined
  forwarded: ForwardedWatcher
  trustedProxies: { has(address: string): boolean }
  /** Registers work that a stop must wait for. */
  underWay: Pick<UnderWay, 'until'>
  /** Called with each stream that was opened here. */
  observe(stream: OpenedStream, socket: Socket): void
}

/** Timeout for the first bytes of a connection, as for a head in Node; and again for authenticating the caller. */
const silenceMs = 60_000
/** Connections whose first bytes are processed per turn of the event loop, as hundreds may reconnect at once. */
const beginsPerTurn = 50
const ends = ['end', 'error', 'close']

export class HttpFront {
  readonly #options: HttpFrontOptions
  readonly #routes = new Map<string, ServedRoute>()
  /** Connections that have not sent anything yet, or whose caller is being looked up; `ConnectionLimits` bounds them. */
  readonly #undecided = new Set<Socket>()
  readonly #turns = new TurnBudget(beginsPerTurn)

  constructor(options: HttpFrontOptions) {
    this.#options = options
  }

  /** Replaces the server's connection listeners, and calls them for connections it does not answer. */
  standBefore(server: Server): void {
    const behind = server.listeners('connection')
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      this.#receive(socket, () => {
        for (const listener of behind) listener.call(server, socket)
      })
    })
  }

  serve(route: StreamRoute): void {
    const headLines = linesOf({ ...this.#options.headers, ...route.head })
    const safe = leaveSecretsOut(route.endpoint)
    this.#routes.set(route.endpoint.path, { ...route, headLines: `HTTP/1.1 200 OK\r\n${headLines}`, safe })
  }

  /** Closes connections that have not sent anything, or whose caller is still being authenticated. */
  stop(): void {
    for (const socket of this.#undecided) socket.destroy()
  }

  #receive(socket: Socket, handOver: () => void): void {
    const leave = () => {
      this.#undecided.delete(socket)
      socket.off('data', first).off('timeout', drop).setTimeout(0)
      for (const event of ends) socket.off(event, drop)
    }
    const drop = () => {
      leave()
      socket.on('error', () => undefined).destroy()
    }
    const first = (chunk: Buffer) => {
      const decide = (known: Known | undefined) => {
        leave()
        if (known && this.#opens(socket, known)) return
        socket.unshift(chunk)
        handOver()
      }
      const turn = this.#turns.take()
      const known = turn
        ? turn.then(() => (socket.destroyed ? undefined : this.#identify(socket, chunk)))
        : this.#identify(socket, chunk)
      if (!(known instanceof Promise)) return decide(known)
      // Data that arrives meanwhile waits in the socket's bounded buffer, after this head.
      socket.pause()
      socket.off('data', first).setTimeout(silenceMs)
      const decideLate = (found: Known | undefined) => {
        if (socket.destroyed) return leave()
        decide(found)
        socket.resume()
      }
      // Failures of authentication are answered by Node's server, which starts in the next turn.
      const decided = known.then(decideLate, () => decideLate(undefined)).then(() => new Promise(setImmediate))
      this.#options.underWay.until(decided)
    }
    this.#undecided.add(socket)
    for (const event of ends) socket.on(event, drop)
    socket.on('timeout', drop).setTimeout(silenceMs)
    socket.on('data', first)
  }

  /** Authenticates a request for a stream, synchronously if cached; undefined if Node's server has to answer. */
  #identify(socket: Socket, chunk: Buffer): Promise<Known | undefined> | Known | undefined {
    const asked = this.#read(socket, chunk)
    const principal = asked && this.#options.authenticate(asked.credentials)
    if (!asked || !principal) return undefined
    if (principal instanceof Promise) return principal.then(found => found && { ...asked, principal: found })
    return { ...asked, principal }
  }

  #read(socket: Socket, chunk: Buffer): StreamRequest | undefined {
    const { isHttps, isDraining, hosts, cors, mayRequest } = this.#options
    const head = isDraining() ? undefined : parseRequestHead(chunk)
    const route = head && this.#routes.get(head.path)
    if (!head || !route) return undefined
    if (hosts && !hosts.allows(head.headers.host ?? '')) return undefined
    const began = performance.now()
    const address = this.#addressOf(socket, head)
    const proofs = cors.isForeign(head.headers) ? { ...head.headers, cookie: undefined } : head.headers
    const credentials = credentialsOf(proofs, isHttps, address)
    return credentials && mayRequest(address) ? { route, head, address, credentials, began } : undefined
  }

  /** Opens a stream; returns false, without side effects, if Node's server has to answer. */
  #opens(socket: Socket, { route, head, address, began, principal }: Known): boolean {
    const { isDraining, nextRequestId, mayCall, count, observe, cors, stops, shown, logger } = this.#options
    if (isDraining()) return false
    const shared = cors.headersFor(head.headers)
    const userAgent = (head.headers['user-agent'] ?? '').slice(0, maxUserAgent)
    const caller: Caller = { principal, address, userAgent }
    const requestId = nextRequestId()
    let isTaken = false
    const takeSocket = () => {
      isTaken = true
      count(principal, address, route.endpoint.limit)
      return this.#take(socket, shared ? route.headLines + linesOf(shared) : route.headLines, requestId)
    }
    try {
      guard(principal, route.operation, undefined, stops)
      stops?.checkAll(principal, route.operation)
      if (!mayCall(principal, address, route.endpoint.limit)) return false
      const { query } = parseInput(route.endpoint, { params: undefined, query: parseQuery(head.search) })
      // If this is asynchronous, Node's server handles the request instead.
      const noting = shown?.(principal, route.operation, undefined, undefined)
      noting?.catch(() => undefined)
      if (noting) return false
      route.open({ principal, caller, query, header: name => head.headers[name], takeSocket })
      const durationMs = performance.now() - began
      const input = route.safe({ query, body: undefined })
      observe({ operation: route.operation, caller, durationMs, requestId, input }, socket)
      return true
    } catch (err) {
      if (!isTaken) return false
      logger.error({ err }, 'a stream could not be opened')
      socket.destroy()
      return true
    }
  }

  #addressOf({ remoteAddress: peer }: Socket, { headers }: RequestHead): string {
    const { trustedProxies: trusted, forwarded } = this.#options
    forwarded.notice(headers, peer)
    return addressBehind({ peer, forwarded: headers['x-forwarded-for'], trusted })
  }

  #take(socket: Socket, headLines: string, requestId: string): Socket {
    // The head says `connection: close`, so nothing more is read.
    ignoreInput(socket)
    socket.on('end', () => socket.destroy())
    // Sends the head and the first events in one packet.
    socket.cork()
    const date = new Date().toUTCString()
    socket.write(`${headLines}x-request-id: ${requestId}\r\ndate: ${date}\r\nconnection: close\r\n\r\n`, 'latin1')
    return socket
  }
}
