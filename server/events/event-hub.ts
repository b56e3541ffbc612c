/** Where facts and states are published: publish → log → hub → streams. What a fact means is the publisher's business. */
import type { ServerResponse } from 'node:http'
import type { EventOf, Fact, FactType, LoggedFact, State, StateType } from '../../contract/event.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { encodeFrame } from './event-frame.ts'
import type { EventLog } from './event-log.ts'
import { EventStream, type StreamObserver } from './event-stream.ts'
import { type EventFilter, EventView } from './event-view.ts'

export interface EventHubOptions {
  log: EventLog
  logger: Logger
  heartbeatSeconds: number
  maxStreams: number
  maxStreamsPerPrincipal: number
}

type Listener = (data: Fact['data']) => void

/** A replay longer than this is a gap. */
const maxReplay = 10_000

export class EventHub {
  readonly #options: EventHubOptions
  readonly #views = new Map<string, { view: EventView; streams: Set<EventStream> }>()
  readonly #streamsOf = new Map<string, number>()
  readonly #listeners = new Map<FactType, Set<Listener>>()
  readonly #states = new Map<StateType, Buffer>()
  readonly #published = new Map<FactType | StateType, number>()
  readonly #stopped = new AbortController()
  #streamCount = 0
  #sent = 0
  #dropped = 0
  #isSweepDue = false

  constructor(options: EventHubOptions) {
    this.#options = options
  }

  start(): void {
    const { heartbeatSeconds, logger } = this.#options
    every(
      heartbeatSeconds * 1000,
      this.#stopped.signal,
      () => this.#beat(),
      err => logger.error({ err }, 'heartbeat failed'),
    )
  }

  /** Says goodbye to every stream, with delays spread so that they do not all come back in the same second. */
  stop(): void {
    this.#stopped.abort()
    const spreadMs = Math.min(30_000, 1_000 + this.#streamCount * 2)
    for (const stream of this.#streams()) stream.close('shutdown', 1_000 + Math.random() * spreadMs)
  }

  get streamCount(): number {
    return this.#streamCount
  }

  /** Counted since the start: what was published, by type, and what all streams together sent and dropped. */
  get figures(): { published: ReadonlyMap<FactType | StateType, number>; sent: number; dropped: number } {
    return { published: this.#published, sent: this.#sent, dropped: this.#dropped }
  }

  /** Appends the fact to the log, tells listeners in this process, and has it sent to every stream that may see it. */
  publish(fact: Fact): void {
    this.#options.log.append(fact)
    this.#count(fact.type)
    this.#sweepSoon()
    for (const listener of this.#listeners.get(fact.type) ?? []) {
      try {
        listener(fact.data)
      } catch (err) {
        this.#options.logger.error({ err, type: fact.type }, 'a listener failed')
      }
    }
  }

  /** States tell how things are now: only the newest of a type is kept, for streams that come later. */
  publishState(state: State): void {
    const frame = encodeFrame(state.type, state.data)
    this.#states.set(state.type, frame)
    this.#count(state.type)
    for (const stream of this.#streams()) stream.sendState(state.type, frame)
  }

  /** Hears facts of a type inside this process, after they are logged. Returns how to stop. */
  listen<T extends FactType>(type: T, listener: (data: EventOf<T>['data']) => void): () => void {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners)
    // Listeners are kept by type, so each gets only data of its own.
    listeners.add(listener as Listener)
    return () => listeners.delete(listener as Listener)
  }

  /** Throws when there is no room for one more stream of this principal. */
  checkRoom(principal: Principal): void {
    const { maxStreams, maxStreamsPerPrincipal } = this.#options
    if (this.#streamCount >= maxStreams) {
      throw new Problem('overloaded', `This server already has ${maxStreams} event streams.`, { retryAfterSeconds: 30 })
    }
    if ((this.#streamsOf.get(principal.id) ?? 0) >= maxStreamsPerPrincipal) {
      const detail = `You already have ${maxStreamsPerPrincipal} event streams open; close one first.`
      throw new Problem('too_many_streams', detail, { retryAfterSeconds: 30 })
    }
  }

  /**
   * Opens a stream on a response whose head was written. Welcome, the newest states, what was missed and what happens
   * next are joined without a hole, since nothing else can run in between.
   * @param lastEventId The client's own word, not trusted.
   */
  subscribe(
    principal: Principal,
    filter: EventFilter,
    response: ServerResponse,
    observer: StreamObserver,
    lastEventId?: string,
  ): EventStream {
    const { log, heartbeatSeconds } = this.#options
    const position = lastEventId === undefined ? { after: log.newest } : this.#locate(lastEventId)
    const after = 'after' in position ? position.after : log.newest
    const stream = this.#add(principal, filter, response, observer, after)
    response.write(`retry: 3000\n\n`)
    stream.sendControl({
      type: 'welcome',
      data: {
        client_id: observer.clientId,
        epoch: log.epoch,
        server_time: new Date().toISOString(),
        resumed: lastEventId !== undefined && 'after' in position,
        replayed: this.#countMatching(stream.view, after),
        heartbeat_seconds: heartbeatSeconds,
      },
    })
    if ('gap' in position) {
      const hasAny = log.newest >= log.oldest
      const ids = hasAny
        ? { oldest_id: log.idOf(log.oldest), newest_id: log.idOf(log.newest) }
        : { oldest_id: null, newest_id: null }
      stream.sendControl({ type: 'gap', data: { reason: position.gap, ...ids } })
    }
    for (const [type, frame] of this.#states) stream.sendState(type, frame)
    stream.pump()
    return stream
  }

  /** The newest facts that the principal may see, newest first. Looks at what is held in memory, at most. */
  listFacts(principal: Principal, limit: number): LoggedFact[] {
    const { log } = this.#options
    const view = new EventView(principal, { types: undefined, accounts: undefined })
    const found: LoggedFact[] = []
    for (let number = log.newest; number >= log.oldest && found.length < limit; number--) {
      const entry = log.find(number)
      if (entry && view.accepts(entry.fact)) found.push({ id: log.idOf(number), ...entry.fact })
    }
    return found
  }

  /** Closes the streams of a principal that may no longer read. */
  closeStreamsOf(principalId: string): void {
    for (const stream of this.#streams()) if (stream.principal.id === principalId) stream.close('revoked', 0)
  }

  #locate(id: string): ReturnType<EventLog['locate']> {
    const position = this.#options.log.locate(id)
    const isTooLong = 'after' in position && this.#options.log.newest - position.after > maxReplay
    return isTooLong ? { gap: 'expired' } : position
  }

  #countMatching(view: EventView, after: number): number {
    let count = 0
    for (let number = after + 1; number <= this.#options.log.newest; number++) {
      const entry = this.#options.log.find(number)
      if (entry && view.accepts(entry.fact)) count++
    }
    return count
  }

  #add(
    principal: Principal,
    filter: EventFilter,
    response: ServerResponse,
    observer: StreamObserver,
    after: number,
  ): EventStream {
    const candidate = new EventView(principal, filter)
    const { key } = candidate
    const group = this.#views.get(key) ?? { view: candidate, streams: new Set<EventStream>() }
    this.#views.set(key, group)
    const closed = () => {
      group.streams.delete(stream)
      if (group.streams.size === 0 && this.#views.get(key) === group) this.#views.delete(key)
      this.#streamCount--
      const left = (this.#streamsOf.get(principal.id) ?? 1) - 1
      if (left > 0) this.#streamsOf.set(principal.id, left)
      else this.#streamsOf.delete(principal.id)
      observer.closed()
    }
    const counted: StreamObserver = {
      clientId: observer.clientId,
      sent: count => {
        this.#sent += count
        observer.sent(count)
      },
      dropped: count => {
        this.#dropped += count
        observer.dropped(count)
      },
      closed,
    }
    const stream = new EventStream({
      principal,
      view: group.view,
      response,
      log: this.#options.log,
      observer: counted,
      after,
    })
    group.streams.add(stream)
    this.#streamCount++
    this.#streamsOf.set(principal.id, (this.#streamsOf.get(principal.id) ?? 0) + 1)
    return stream
  }

  /** Many facts of one turn of the event loop go out as one write for each stream. */
  #sweepSoon(): void {
    if (this.#isSweepDue) return
    this.#isSweepDue = true
    setImmediate(() => {
      this.#isSweepDue = false
      for (const stream of this.#streams()) stream.pump()
    })
  }

  #beat(): void {
    const frame = Buffer.concat([
      Buffer.from(': ping\n\n'),
      encodeFrame('heartbeat', { server_time: new Date().toISOString() }),
    ])
    for (const stream of this.#streams()) stream.sendShared(frame)
  }

  *#streams(): Generator<EventStream> {
    for (const { streams } of [...this.#views.values()]) yield* streams
  }

  #count(type: FactType | StateType): void {
    this.#published.set(type, (this.#published.get(type) ?? 0) + 1)
  }
}
