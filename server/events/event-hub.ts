/** Where facts and states are published: publish → log → hub → streams. What a fact means is the publisher's business. */
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
import { StateFrame, type SummedFor } from './state-frame.ts'
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
  /** A stream ends after this, give or take 20 %, and comes back with its id. */
  maxStreamAgeMs: number
  /** Is told what facts are part of. */
  tracer?: Tracer | undefined
}

export interface Subscription {
  principal: Principal
  filter: EventFilter
  /** The head of the response was written to it. */
  socket: Duplex
  observer: StreamObserver
  /** The client's own word, not trusted. */
  lastEventId: string | undefined
}

type Listener = (data: Fact['data'], number: number) => void

const markEveryMs = 1_000
/** So that a stream ends within a second of its principal. */
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
  /** One function for all streams: each of ten thousand keeps nothing of its own for it. */
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

  /** Says goodbye to every stream, with delays spread so that they do not all come back in the same second. */
  closeStreams(): void {
    this.#stopped.abort()
    const spreadMs = Math.min(30_000, 1_000 + this.#streams.size * 2)
    for (const stream of this.#streams) stream.close('shutdown', 1_000 + Math.random() * spreadMs)
  }

  /** What was published before is still written to the log. */
  async stop(): Promise<void> {
    this.closeStreams()
    await this.#replays.idle()
    await this.#options.log.stop()
  }

  get streamCount(): number {
    return this.#streams.size
  }

  /** Counted since the start: what was published, by type, and what all streams together did. */
  get figures(): StreamTotals & { published: ReadonlyMap<FactType | StateType, number> } {
    return { published: this.#published, ...this.#figures.totals }
  }

  /** As it may be told to the principal. */
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

  /** For a fact that no table speaks of. It is told to listeners and streams when the log has it, in a turn or two. */
  publish(fact: Fact): void {
    this.#options.tracer?.note(fact)
    this.#options.log.append(fact)
  }

  /**
   * For facts that a table speaks of too: both are there, or neither. They are told before this resolves, unless another process
   * told some before them and the database cannot be read just then: then as soon as it can.
   */
  transact<Result>(work: (transaction: Database, tell: (fact: Fact) => void) => Promise<Result>): Promise<Result> {
    const { log, tracer } = this.#options
    const { active } = tracer ?? {}
    if (!tracer || !active) return log.transact(work)
    // Wherever it runs: such work waits in line.
    return log.transact((transaction, tell) =>
      tracer.run(active, () =>
        work(transaction, fact => {
          tracer.note(fact)
          tell(fact)
        }),
      ),
    )
  }

  /** States tell how things are now: only the newest of a type, or of a type and account, is kept, for streams that come later. */
  publishState(state: State, summedFor?: SummedFor): void {
    this.#states.set(...this.#sendState(new StateFrame(state, summedFor)))
  }

  /** The last of a type and account: streams that come later are told nothing of it. */
  publishLastState(state: State, summedFor?: SummedFor): void {
    const [key] = this.#sendState(new StateFrame(state, summedFor))
    this.#states.delete(key)
  }

  /** For the streams of one person, or of one token, that are open now; later ones are told nothing of it. @param owner As `ownerOf` has it. */
  publishTo(owner: string, state: State): void {
    this.#sendState(new StateFrame(state, undefined, owner))
  }

  #sendState(newest: StateFrame): [key: string, StateFrame] {
    const { type, key } = newest
    this.#count(type)
    this.#streams.sweep(stream => stream.sendState(newest), key)
    return [key, newest]
  }

  /** Hears facts of a type, of this process and of others, after they are logged, with their numbers. Returns how to stop. */
  listen<T extends FactType>(type: T, listener: (data: EventOf<T>['data'], number: number) => void): () => void {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners)
    // Listeners are kept by type, so each gets only data of its own.
    listeners.add(listener as Listener)
    return () => listeners.delete(listener as Listener)
  }

  /** A reader without a socket, which its owner ends before the hub stops. What it may see is decided as for streams. */
  follow(options: FollowOptions): Follower {
    return this.#followers.follow(options)
  }

  /** Places in the log, as cursors name them. */
  get places(): Pick<EventLog, 'newest' | 'oldest' | 'epoch' | 'idOf' | 'locate' | 'placeBefore'> {
    return this.#options.log
  }

  /** Throws when there is no room for one more stream of this principal, or it was revoked a moment ago. */
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
   * Opens a stream: welcome, the newest states, what was missed, and then what happens. A stream is a place in the log, so
   * replay and live flow are one, and nothing falls between them.
   */
  subscribe({ principal, filter, socket, observer, lastEventId }: Subscription): EventStream {
    const { log } = this.#options
    const position = lastEventId ? log.locate(lastEventId) : undefined
    const after = position && 'after' in position ? position.after : log.newest
    // What it may was looked up before its request came here, and can have changed since.
    const current = this.#owners.current(principal, Date.now())
    // It has its place from here on: it counts, can be revoked, and notices when its reader goes.
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
    // Forgotten meanwhile.
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

  /** The newest facts that the principal may see, newest first: see `listFacts`. */
  listFacts(principal: Principal, limit: number, asked: FactQuery = {}): Promise<LoggedFact[]> {
    return listFacts(this.#options.log, principal, limit, asked)
  }

  /** What the log holds in memory of an account's states. */
  stateSigns(accountId: string): StateSign[] {
    return stateSigns(this.#options.log, accountId)
  }

  /**
   * The same principal may other things from now on. Its streams keep their place; what they may no longer see is not
   * sent any more, not even what happened before.
   */
  changePrincipal(principal: Principal): void {
    this.#owners.note(principal.id, principal, Date.now())
    for (const stream of this.#owners.of(principal.id)) {
      const before = stream.view
      const view = this.#views.take(principal, stream.filter)
      stream.change(principal, view, this.#states)
      this.#streams.move(stream, before)
      // When it ended over it, it gave back the one that it had by then.
      this.#views.giveBack(before)
    }
  }

  /** Closes the streams of a principal that may no longer read; until it is changed again, it gets no others. */
  closeStreamsOf(principalId: string): void {
    this.#owners.note(principalId, undefined, Date.now())
    for (const stream of this.#owners.of(principalId)) stream.close('revoked', 0)
  }

  /** Principals of the streams that are open now, each as often as it has streams. */
  *readers(): Generator<Principal, undefined> {
    for (const { principal } of this.#streams) yield principal
  }

  /** Closes those streams whose principals may not read for now; the gate refuses others until they may. */
  closeStreamsWhere(isStopped: (principal: Principal) => boolean): void {
    for (const stream of [...this.#streams]) if (isStopped(stream.principal)) stream.close('revoked', 0)
  }

  #committed(entry: LogEntry): void {
    const { fact } = entry
    this.#count(fact.type)
    this.#streams.hear(entry)
    this.#followers.hear(fact)
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
