/** Publishes facts and states: publish → log → hub → streams. What a fact means is up to its publisher. */
import type { Duplex } from 'node:stream'
import type { EventOf, Fact, FactType, LoggedFact, State, StateType } from '../../contract/event.ts'
import type { StreamHealth } from '../../contract/stream-health.ts'
import type { Database } from '../platform/database/database.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { Tracer } from '../platform/tracing/tracer.ts'
import type { Sight } from '../platform/visible-figures.ts'
import { type StateSign, stateSigns } from './account-states.ts'
import { type FactQuery, listFacts } from './event-facts.ts'
import { encodeFrame } from './event-frame.ts'
import type { EventLog, LogEntry, Position } from './event-log.ts'
import { EventStream, type StreamObserver } from './event-stream.ts'
import type { EventFilter } from './event-view.ts'
import { type Follower, type FollowOptions, LogFollowers } from './log-followers.ts'
import { LogReader } from './log-reader.ts'
import { maxReplay, ReplayQueue } from './replay-queue.ts'
import { keyOf, StateFrame, type SummedFor } from './state-frame.ts'
import { StreamFigures, type StreamTotals } from './stream-figures.ts'
import { describeStreams } from './stream-health.ts'
import { StreamOwners } from './stream-owners.ts'
import { StreamSweep } from './stream-sweep.ts'
import { ViewTable } from './view-table.ts'

export interface EventHubOptions {
  log: EventLog
  logger: Logger
  heartbeatSeconds: number
  maxStreams: number
  maxStreamsPerPrincipal: number
  /** A stream is ended after this time ± 20 %; its client reconnects with its last id. */
  maxStreamAgeMs: number
  /** Links facts to the traces in which they occur. */
  tracer?: Tracer | undefined
}

export interface Subscription {
  principal: Principal
  filter: EventFilter
  /** The connection, with the head of the response already written. */
  socket: Duplex
  observer: StreamObserver
  /** Sent by the client, not trusted. */
  lastEventId: string | undefined
}

type Listener = (data: Fact['data'], number: number) => void

const markEveryMs = 1_000
/** Interval of checks, so that a stream ends within a second after its principal does. */
const checkEveryMs = 500
const retry = Buffer.from('retry: 3000\n\n')

export class EventHub {
  readonly #options: EventHubOptions
  readonly #views = new ViewTable()
  readonly #owners = new StreamOwners()
  readonly #listeners = new Map<FactType, Set<Listener>>()
  readonly #states = new Map<string, StateFrame>()
  readonly #published = new Map<FactType | StateType, number>()
  readonly #stopped = new AbortController()
  readonly #streams = new StreamSweep()
  readonly #figures = new StreamFigures()
  readonly #replays: ReplayQueue
  readonly #followers: LogFollowers
  /** One shared function instead of a closure for each of ten thousand streams. */
  readonly #ended = (stream: EventStream) => this.#remove(stream)

  constructor(options: EventHubOptions) {
    this.#options = options
    this.#replays = new ReplayQueue(options.log)
    this.#followers = new LogFollowers(options.log, this.#replays, this.#views)
  }

  async start(): Promise<void> {
    const { heartbeatSeconds, logger, log } = this.#options
    await log.start(entry => this.#committed(entry))
    const failed = (err: unknown) => logger.error({ err }, 'the streams could not be maintained')
    this.#figures.mark(performance.now())
    every(heartbeatSeconds * 1000, this.#stopped.signal, () => this.#beat(), failed)
    every(markEveryMs, this.#stopped.signal, () => this.#figures.mark(performance.now()), failed)
    const check = () => this.#streams.sweep(stream => stream.check(Date.now()), 'check')
    every(checkEveryMs, this.#stopped.signal, check, failed)
  }

  /** Closes every stream with a goodbye, with reconnect delays spread to avoid a thundering herd. */
  closeStreams(): void {
    this.#stopped.abort()
    const spreadMs = Math.min(30_000, 1_000 + this.#streams.size * 2)
    for (const stream of this.#streams) stream.close('shutdown', 1_000 + Math.random() * spreadMs)
  }

  /** Closes the streams, and stops once facts published before are written to the log. */
  async stop(): Promise<void> {
    this.closeStreams()
    await this.#replays.idle()
    await this.#options.log.stop()
  }

  get streamCount(): number {
    return this.#streams.size
  }

  /** Counters since the start: published facts and states by type, and totals of all streams. */
  get figures(): StreamTotals & { published: ReadonlyMap<FactType | StateType, number> } {
    return { published: this.#published, ...this.#figures.totals }
  }

  /** Returns the health of the streams, as far as it is visible to the principal. */
  healthFor(sight: Sight): StreamHealth {
    const { log, maxStreams, heartbeatSeconds } = this.#options
    return describeStreams(sight, {
      open: this.streamCount,
      maxStreams,
      heartbeatSeconds,
      figures: this.#figures,
      log,
    })
  }

  /** Publishes a fact without other changes. Listeners and streams get it once logged, within a turn or two. */
  publish(fact: Fact): void {
    this.#options.tracer?.note(fact)
    this.#options.log.append(fact)
  }

  /**
   * Publishes facts atomically with changes of tables. They are delivered before this resolves, unless facts of another
   * process precede them and the database cannot be read at that moment: then as soon as it can.
   */
  transact<Result>(work: (transaction: Database, publish: (fact: Fact) => void) => Promise<Result>): Promise<Result> {
    const { log, tracer } = this.#options
    const { active } = tracer ?? {}
    if (!tracer || !active) return log.transact(work)
    // The work runs later, from a queue, so the trace context is restored.
    return log.transact((transaction, publish) =>
      tracer.run(active, () =>
        work(transaction, fact => {
          tracer.note(fact)
          publish(fact)
        }),
      ),
    )
  }

  /** Publishes a state; only the newest per type, or per type and account, is kept for streams that open later. */
  publishState(state: State, summedFor?: SummedFor): void {
    this.#states.set(...this.#sendState(new StateFrame(state, summedFor)))
  }

  /** Publishes the last state of a type and account, which is not kept for streams that open later. */
  publishLastState(state: State, summedFor?: SummedFor): void {
    this.#states.delete(keyOf(state))
    this.#sendOnce(state, summedFor)
  }

  /** Publishes a state to the open streams of an owner, without keeping it. @param owner Key from `ownerOf`. */
  publishTo(owner: string, state: State): void {
    this.#sendOnce(state, undefined, owner)
  }

  /** Sends a state that is not kept, so without open streams it is only counted. */
  #sendOnce(state: State, summedFor: SummedFor | undefined, owner?: string): void {
    if (this.#streams.size === 0) this.#count(state.type)
    else this.#sendState(new StateFrame(state, summedFor, owner))
  }

  #sendState(newest: StateFrame): [key: string, StateFrame] {
    const { type, key } = newest
    this.#count(type)
    this.#streams.sweep(stream => stream.sendState(newest), key)
    return [key, newest]
  }

  /** Calls a listener with each logged fact of a type, of any process, and its number. Returns how to unsubscribe. */
  listen<T extends FactType>(type: T, listener: (data: EventOf<T>['data'], number: number) => void): () => void {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners)
    // Sound cast: listeners are stored by type, so each gets only data of its type.
    listeners.add(listener as Listener)
    return () => listeners.delete(listener as Listener)
  }

  /** Opens a reader without a socket, which the caller ends before the hub stops. It sees what a stream would. */
  follow(options: FollowOptions): Follower {
    return this.#followers.follow(options)
  }

  /** The log's positions, for cursors. */
  get places(): Pick<EventLog, 'newest' | 'oldest' | 'epoch' | 'idOf' | 'locate' | 'placeBefore'> {
    return this.#options.log
  }

  /** Checks that a principal may open one more stream. @throws Problem at a limit, or if it was just revoked */
  checkRoom(principal: Principal): void {
    const { maxStreams, maxStreamsPerPrincipal } = this.#options
    if (!this.#owners.current(principal, Date.now())) {
      throw new Problem('unauthorized', 'Your credentials were revoked; sign in again, or send another token.')
    }
    if (this.#streams.size >= maxStreams) {
      throw new Problem('overloaded', `This server already has ${maxStreams} event streams.`, { retryAfterSeconds: 30 })
    }
    if (this.#owners.count(principal) >= maxStreamsPerPrincipal) {
      const detail = `You already have ${maxStreamsPerPrincipal} event streams open; close one first.`
      throw new Problem('too_many_streams', detail, { retryAfterSeconds: 30 })
    }
  }

  /**
   * Opens a stream: welcome, the newest states, missed facts, then live ones. A stream is a position in the log, so
   * replay and live delivery are the same and leave no gap.
   */
  subscribe({ principal, filter, socket, observer, lastEventId }: Subscription): EventStream {
    const { log } = this.#options
    const position = lastEventId ? log.locate(lastEventId) : undefined
    const after = position && 'after' in position ? position.after : log.newest
    // The principal's rights were looked up earlier in the request, and may have changed since.
    const current = this.#owners.current(principal, Date.now())
    // Registered from here on: the stream counts, can be revoked, and detects a disconnect.
    const stream = this.#add(current ?? principal, filter, socket, observer, after)
    if (current) this.#welcome(stream, observer.clientId, position)
    else stream.close('revoked', 0)
    return stream
  }

  #welcome(stream: EventStream, clientId: string, position: Position | undefined): void {
    const { reader } = stream
    const missed = reader.missed
    if (missed !== undefined) return this.#begin(stream, clientId, position, missed)
    if (!stream.isOpen) return
    // The missed facts were pruned meanwhile.
    if (reader.isExpired) return this.#begin(stream, clientId, { gap: 'expired' }, 0)
    reader
      .load()
      .then(() => this.#welcome(stream, clientId, position))
      .catch(err => stream.fail(err))
  }

  #begin(stream: EventStream, clientId: string, position: Position | undefined, missed: number): void {
    const { log, heartbeatSeconds } = this.#options
    const whence = missed > maxReplay ? { gap: 'expired' as const } : position
    const isResumed = whence !== undefined && 'after' in whence
    if (isResumed) this.#figures.replayed(missed)
    const data = {
      client_id: clientId,
      epoch: log.epoch,
      server_time: new Date().toISOString(),
      resumed: isResumed,
      replayed: isResumed ? missed : 0,
      heartbeat_seconds: heartbeatSeconds,
    }
    const first = [retry, encodeFrame('welcome', data)]
    if (whence && 'gap' in whence) {
      this.#figures.gap()
      first.push(encodeFrame('gap', { reason: whence.gap, ...log.ends }))
      stream.skip()
    }
    stream.begin(Buffer.concat(first), this.#states)
  }

  /** Lists the newest facts that the principal may see: see `listFacts`. */
  listFacts(principal: Principal, limit: number, asked: FactQuery = {}): Promise<LoggedFact[]> {
    return listFacts(this.#options.log, principal, limit, asked)
  }

  /** Returns an account's past states from the facts in memory. */
  stateSigns(accountId: string): StateSign[] {
    return stateSigns(this.#options.log, accountId)
  }

  /**
   * Applies a principal's changed rights to its streams. They keep their positions; facts that they may no longer see
   * are not sent any more, not even earlier ones.
   */
  changePrincipal(principal: Principal): void {
    this.#owners.note(principal.id, principal, Date.now())
    for (const stream of this.#owners.of(principal.id)) {
      const before = stream.view
      const view = this.#views.take(principal, stream.filter)
      stream.change(principal, view, this.#states)
      this.#streams.move(stream, before)
      // If the change ended the stream, it has released its new view already.
      this.#views.giveBack(before)
    }
  }

  /** Closes the streams of a revoked principal, which cannot open others until it is changed again. */
  closeStreamsOf(principalId: string): void {
    this.#owners.note(principalId, undefined, Date.now())
    for (const stream of this.#owners.of(principalId)) stream.close('revoked', 0)
  }

  /** Yields the principal of each open stream, with repetitions. */
  *readers(): Generator<Principal, undefined> {
    for (const { principal } of this.#streams) yield principal
  }

  /** Closes the streams of principals that are stopped; meanwhile the gate rejects new ones. */
  closeStreamsWhere(isStopped: (principal: Principal) => boolean): void {
    for (const stream of this.#streams) if (isStopped(stream.principal)) stream.close('revoked', 0)
  }

  #committed(entry: LogEntry): void {
    const { fact } = entry
    this.#count(fact.type)
    this.#streams.schedule(entry)
    this.#followers.notify(fact)
    if (fact.type === 'account_removed') this.#forgetStates(fact.data.account_id)
    for (const listener of this.#listeners.get(fact.type) ?? []) {
      try {
        listener(fact.data, entry.number)
      } catch (err) {
        this.#options.logger.error({ err, type: fact.type }, 'a listener failed')
      }
    }
  }

  #forgetStates(accountId: string): void {
    for (const state of this.#states.values()) if (state.accountId === accountId) this.#states.delete(state.key)
  }

  #add(
    principal: Principal,
    filter: EventFilter,
    socket: Duplex,
    observer: StreamObserver,
    after: number,
  ): EventStream {
    const { log, logger, maxStreamAgeMs } = this.#options
    const endsAt = Date.now() + maxStreamAgeMs * (0.8 + Math.random() * 0.4)
    const view = this.#views.take(principal, filter)
    const reader = new LogReader({ log, replays: this.#replays, principal, view, after })
    const shared = { log, logger, figures: this.#figures, sweep: this.#streams, ended: this.#ended }
    const stream = new EventStream({ ...shared, principal, filter, reader, socket, observer, endsAt })
    this.#streams.add(stream)
    this.#owners.add(stream)
    return stream
  }

  #remove(stream: EventStream): void {
    this.#streams.delete(stream)
    this.#owners.delete(stream)
    this.#views.giveBack(stream.view)
  }

  #beat(): void {
    const heartbeat = encodeFrame('heartbeat', { server_time: new Date().toISOString() })
    const frame = Buffer.concat([Buffer.from(': ping\n\n'), heartbeat])
    this.#streams.sweep(stream => stream.beat(frame), 'heartbeat')
  }

  #count(type: FactType | StateType): void {
    this.#published.set(type, (this.#published.get(type) ?? 0) + 1)
  }
}
