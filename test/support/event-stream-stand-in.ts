/** A small server that keeps all promises of the event stream, or breaks one; the conformance script is run on it. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Behaviour,
  type Filter,
  type Frame,
  good,
  type Problem,
  type StreamContext,
} from './event-stream-behaviour.ts'
import { EventStreamLog, type StandInFact } from './event-stream-log.ts'

const path = '/api/dashboard/events'
const heartbeatSeconds = 0.5
const stateMs = 300

interface OpenStandInStream {
  clientId: string
  filter: Filter
  context: StreamContext
  end(frames: Frame[]): void
}

export class EventStreamStandIn {
  readonly #behaviour: Behaviour
  readonly #log: EventStreamLog
  readonly #clients = new Map<string, string>()
  readonly #streams = new Set<OpenStandInStream>()
  readonly #server = createServer((request, response) => this.#answer(request, response))
  #timers: NodeJS.Timeout[] = []
  #requests = 0
  #opened = 0

  constructor(fault: Partial<Behaviour> = {}) {
    this.#behaviour = { ...good, ...fault }
    this.#log = new EventStreamLog(this.#behaviour.numberStep)
  }

  /** Starts the server and returns its address. */
  async start(): Promise<string> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    const beat = () => [{ comment: 'ping' }, { event: 'heartbeat', data: { server_time: new Date().toISOString() } }]
    this.#timers = [
      setInterval(() => this.#tell(beat()), heartbeatSeconds * 1000),
      setInterval(() => this.#tell([state()], ({ filter }) => this.#behaviour.seesStates(filter)), stateMs),
    ]
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  /** The number of requests, unauthorised ones included. */
  get requests(): number {
    return this.#requests
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { admits, busy, streamHead, headBody } = this.#behaviour
    this.#requests++
    const { pathname, searchParams } = new URL(request.url!, 'http://stand-in')
    if (!admits(request.headers, searchParams)) return this.#refuse(response, 401, 'unauthorized', 'Send a token.')
    const tooBusy = busy(this.#requests)
    if (tooBusy) return void response.writeHead(tooBusy.status, tooBusy.headers).end(tooBusy.body)
    if (request.method === 'DELETE') return this.#disconnect(pathname, response)
    if (pathname !== path) return this.#refuse(response, 404, 'not_found', 'Nothing exists at this path.')
    const clientId = this.#touch(request.headers['user-agent'] ?? '')
    if (request.method === 'GET') return this.#open(request, response, searchParams, clientId)
    const lines = Object.entries(streamHead).map(pair => pair.join(': '))
    request.socket.end(`HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\nconnection: close\r\n\r\n${headBody}`)
  }

  #open(request: IncomingMessage, response: ServerResponse, query: URLSearchParams, clientId: string): void {
    const { isKnownQuery, isKnownType, isIdTooLong, sees, seesStates, streamHead } = this.#behaviour
    const list = (name: string) => (query.has(name) ? query.getAll(name).flatMap(value => value.split(',')) : undefined)
    const filter = { types: list('types'), accounts: list('account_id') }
    const names = [...query.keys()]
    const unknown = filter.types?.filter(type => !isKnownType(type)) ?? []
    const isBad =
      names.some(name => !isKnownQuery(name)) ||
      query.getAll('last_event_id').length > 1 ||
      isIdTooLong(query.get('last_event_id') ?? '') ||
      unknown.length > 0
    if (isBad) return this.#refuse(response, 400, 'bad_request', `The query is not valid: ${names} ${unknown}`)

    response.writeHead(200, streamHead)
    if (this.#behaviour.flushesHead) response.flushHeaders()
    const ending = new AbortController()
    const write = this.#behaviour.deliver(response, ending.signal)
    const lastEventId = this.#behaviour.lastEventId(request.headers, query) || undefined
    const context: StreamContext = {
      log: this.#log,
      lastEventId,
      filter,
      index: this.#opened++,
      held: [],
      write: frames => {
        for (const frame of frames) write(this.#behaviour.encode(frame))
      },
    }
    const stream: OpenStandInStream = {
      clientId,
      filter,
      context,
      end: frames => {
        context.write(frames)
        if (this.#behaviour.endsAfterGoodbye) response.end()
      },
    }
    response.on('close', () => {
      ending.abort()
      this.#streams.delete(stream)
    })
    const place = lastEventId === undefined ? undefined : this.#behaviour.locate(this.#log, lastEventId)
    const missed = place && 'after' in place ? this.#log.facts.filter(({ number }) => number > place.after) : []
    const replayed = missed.filter(fact => sees(fact, filter)).map(fact => this.#frame(fact))
    const welcome = {
      client_id: clientId,
      epoch: this.#log.epoch,
      server_time: new Date().toISOString(),
      resumed: place !== undefined && 'after' in place,
      replayed: replayed.length,
      heartbeat_seconds: heartbeatSeconds,
    }
    const { oldest, newest } = this.#log
    const ends = { oldest_id: this.#id(oldest), newest_id: this.#id(newest) }
    const frames: Frame[] = [
      { retry: 3000 },
      { event: 'welcome', data: welcome },
      ...(place && 'gap' in place ? [{ event: 'gap', data: { reason: place.gap, ...ends } }] : []),
      ...(seesStates(filter) ? [state()] : []),
      ...replayed,
      { id: this.#id(newest) },
    ]
    // From here on the stream receives events.
    this.#streams.add(stream)
    context.write(this.#behaviour.opening(frames, context))
  }

  #touch(userAgent: string): string {
    const agent = this.#clients.size < this.#behaviour.maxAgents ? userAgent : '(other user agents)'
    const known = this.#clients.get(agent)
    if (known) return known
    const clientId = `client-${this.#clients.size}`
    this.#clients.set(agent, clientId)
    const who = { client_id: clientId, kind: 'api', principal: 'Ann', ip_address: '127.0.0.1', user_agent: agent }
    this.#happen('client_connected', who)
    return clientId
  }

  #disconnect(pathname: string, response: ServerResponse): void {
    if (!this.#behaviour.mayDisconnect) return this.#refuse(response, 403, 'forbidden', 'You may not.')
    const id = /^\/api\/dashboard\/clients\/([\w-]+)$/.exec(pathname)?.[1]
    const [agent] = [...this.#clients].find(([, known]) => known === id) ?? []
    if (agent === undefined) return this.#refuse(response, 404, 'client_not_found', 'There is no such client.')
    // Only the agent's entry is forgotten: client ids are numbered by the size of the map.
    this.#clients.set(`gone ${agent} ${this.#clients.size}`, id!)
    this.#clients.delete(agent)
    this.#happen('client_disconnected', { client_id: id, user_agent: agent, reason: 'kicked' })
    const goodbye = [{ retry: 15_000, event: 'goodbye', data: { reason: 'kicked', reconnect_in_ms: 15_000 } }]
    for (const stream of this.#streams) if (stream.clientId === id) stream.end(this.#behaviour.goodbye(goodbye))
    response.writeHead(204).end()
  }

  #happen(event: string, data: Record<string, unknown>): void {
    const fact = this.#log.append(event, data)
    this.#tell([this.#frame(fact)], ({ filter }) => this.#behaviour.sees(fact, filter))
  }

  #tell(frames: Frame[], isFor: (stream: OpenStandInStream) => boolean = () => true): void {
    for (const stream of this.#streams) {
      if (isFor(stream)) stream.context.write(this.#behaviour.later(frames, stream.context))
    }
  }

  #frame({ number, event, data }: StandInFact): Frame {
    return { id: this.#id(number), event, data }
  }

  #id(number: number): string {
    return `${this.#log.epoch}-${number}`
  }

  #refuse(response: ServerResponse, status: number, code: string, detail: string): void {
    const body = JSON.stringify({ type: `about:${code}`, title: code, status, detail, code })
    const problem: Problem = { status, headers: { 'content-type': 'application/problem+json; charset=utf-8' }, body }
    const { status: told, headers, body: text } = this.#behaviour.problem(problem)
    response.writeHead(told, headers).end(text)
  }
}

function state(): Frame {
  const figures = { active_connections: 1, requests_per_minute: 2, average_response_time_ms: 3 }
  const system = { system_cpu_usage: 4, system_memory_usage: 5, uptime_seconds: 6, active_sse_connections: 7 }
  const rest = { response_time_ms: {}, imap: {}, process: {}, storage: {}, sampled_at: new Date().toISOString() }
  return { event: 'stats_update', data: { ...figures, ...system, ...rest } }
}
