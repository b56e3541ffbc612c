/** One open event stream: a position in the log, and back-pressure rules for slow readers. */
import type { Duplex } from 'node:stream'
import type { EventOf } from '../../contract/event.ts'
import { resetSocket } from '../platform/http/http-tls.ts'
import type { Logger } from '../platform/logger.ts'
import { isAlike, ownerOf, type Principal } from '../platform/principal.ts'
import { encodeFrame, encodeGoodbye } from './event-frame.ts'
import type { EventLog } from './event-log.ts'
import type { Batch, EventFilter, EventView } from './event-view.ts'
import type { LogReader } from './log-reader.ts'
import type { StateFrame } from './state-frame.ts'
import type { StreamFigures } from './stream-figures.ts'

/** Counts a client's streams; `clients` returns one for each stream. */
export interface StreamObserver {
  readonly clientId: string
  sent(count: number): void
  dropped(count: number): void
  closed(): void
}

type GoodbyeReason = EventOf<'goodbye'>['data']['reason']

/** Bytes of facts published since opening that a blocked reader has not taken; past it, the stream is closed. */
const maxWaitingBytes = 1024 * 1024
/** A stream whose write blocks for this long is closed. The kernel buffers about 4 MB before a write blocks. */
const maxBlockedMs = 10_000
/** Timeout for a reader to take its goodbye; then the connection is destroyed. */
const goodbyeMs = 5_000

const ignore = () => undefined

export interface EventStreamOptions {
  principal: Principal
  /** The filter that the client requested. */
  filter: EventFilter
  /** Its position in the log and its view. */
  reader: LogReader
  /** The connection, or a stream of HTTP/2, with the head of the response already written. */
  socket: Duplex
  log: EventLog
  logger: Logger
  observer: StreamObserver
  /** Figures of all streams. */
  figures: StreamFigures
  /** The sweeps over all streams, which know the position of live streams to which nothing was sent. */
  sweep: { readonly sweptTo: number }
  /** Maximum age in epoch milliseconds, so that no client holds a full kernel buffer forever. */
  endsAt: number
  /** Called once when the stream is closed, before the observer. */
  ended(stream: EventStream): void
}

export class EventStream {
  readonly filter: EventFilter
  readonly reader: LogReader
  readonly #socket: Duplex
  readonly #log: EventLog
  readonly #logger: Logger
  readonly #observer: StreamObserver
  readonly #figures: StreamFigures
  readonly #endsAt: number
  readonly #ended: EventStreamOptions['ended']
  readonly #sweep: EventStreamOptions['sweep']
  #principal: Principal
  /** Newest waiting state of each key while the reader is blocked; created lazily. */
  #waitingStates: Map<string, StateFrame> | undefined
  /** Bytes taken of the facts of its view, on the scale of the view's `endOffset`. */
  #takenOffset: number
  /** Bytes counted as taken that are still to be sent: facts published while the stream waited for a replay. */
  #excused = 0
  /** Number of the newest fact at opening; older ones do not count as slowness. */
  readonly #openedAt: number
  #blockedSince = 0
  /** Whether sending is on hold: before `begin`, and while a replay is being read. */
  #isHeld = true
  /** Whether it is caught up: then its position is at least that of the sweeps, without an update here. */
  #isLive = false
  #sentPlace = -1
  #isOpen = true

  constructor(options: EventStreamOptions) {
    this.filter = options.filter
    this.#principal = options.principal
    this.reader = options.reader
    this.#socket = options.socket
    this.#log = options.log
    this.#logger = options.logger
    this.#observer = options.observer
    this.#figures = options.figures
    this.#endsAt = options.endsAt
    this.#ended = options.ended
    this.#sweep = options.sweep
    this.#openedAt = options.log.newest
    this.#takenOffset = this.view.endOffset
    this.#socket.on('drain', () => this.#drained())
    this.#socket.on('error', ignore)
    // `close` is emitted once; `once` would use more memory for each of ten thousand streams.
    this.#socket.on('close', () => this.#closed())
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get principal(): Principal {
    return this.#principal
  }

  get view(): EventView {
    return this.reader.view
  }

  /** Applies changed rights: from now on the new view decides what is sent; the position is kept. */
  change(principal: Principal, view: EventView, states: ReadonlyMap<string, StateFrame>): void {
    const [before, isOther] = [this.view, !isAlike(principal, this.#principal)]
    this.#principal = principal
    if (!this.#isOpen) return
    if (view === before) return isOther ? this.#sendChange() : undefined
    this.reader.change(view)
    this.#catchUp()
    // Bytes buffered by Node cannot be taken back: the client reconnects and gets what it may still see.
    if (this.#socket.writableLength > 0) {
      resetSocket(this.#socket)
      return this.#closed()
    }
    if (isOther) this.#sendChange()
    for (const state of states.values()) {
      const isKnown = before.wantsState(state) && state.bytesFor(before) === state.bytesFor(view)
      if (!isKnown) this.sendState(state)
    }
    // A sweep in progress may have passed this view already, so its facts are sent here.
    this.pump()
  }

  /** Skips missed facts, and continues with new ones. */
  skip(): void {
    this.reader.skip()
    this.#catchUp()
  }

  /** Sends the welcome and the newest states, then facts from the log. */
  begin(first: Buffer, states: ReadonlyMap<string, StateFrame>): void {
    if (!this.#isOpen) return
    // Time spent counting its facts does not count as slowness of the reader.
    this.#excuse(this.view.endOffset - this.#takenOffset)
    this.#write(first)
    this.#isHeld = false
    for (const state of states.values()) this.sendState(state)
    this.pump()
    const place = this.#newPlace()
    if (place) this.#write(place)
  }

  /** Sends facts after the reader's position until it blocks. */
  pump(): void {
    this.#settle()
    while (this.#isReady) {
      const batch = this.reader.take()
      if (!batch) break
      this.#countTaken(batch)
      if (batch.bytes) this.#send(batch.bytes, batch.entries.length)
    }
    if (this.#isReady) this.#reachEnd()
    else if (this.#blockedSince > 0 && this.view.endOffset - this.#takenOffset > maxWaitingBytes) {
      this.close('slow_consumer', 1000)
    }
  }

  /** Sends a state; for a blocked reader, only the newest of each key is kept for later. */
  sendState(state: StateFrame): void {
    const { key } = state
    if (!this.#isOpen || !this.view.wantsState(state)) return
    if (state.owner !== undefined && state.owner !== ownerOf(this.#principal)) return
    // Before `begin`: the newest states follow the welcome.
    if (this.#sentPlace < 0 && this.#isHeld) return
    const bytes = state.bytesFor(this.view)
    if (!bytes) return
    if (this.#blockedSince === 0) return this.#send(bytes, 1)
    this.#waitingStates ??= new Map()
    if (this.#waitingStates.has(key)) this.#dropped(1)
    this.#waitingStates.set(key, state)
  }

  /** Sends the shared heartbeat, except to a blocked reader. */
  beat(frame: Buffer): void {
    if (!this.#isOpen || this.#blockedSince > 0 || this.#isHeld) return
    const place = this.#newPlace()
    this.#write(place ? Buffer.concat([frame, place]) : frame)
    this.view.rest()
  }

  /** Closes the stream if it is over a limit; called periodically for all streams instead of a timer for each. */
  check(now: number): void {
    if (now >= (this.#principal.endsAt ?? Number.POSITIVE_INFINITY)) this.close('revoked', 0)
    else if (this.#blockedSince > 0 && now - this.#blockedSince > maxBlockedMs) this.close('slow_consumer', 1000)
    else if (now >= this.#endsAt) this.close('max_age', Math.random() * 5_000)
  }

  /** Ends the stream when the log could not be read; the client reconnects with its last id. */
  fail(err: unknown): void {
    if (!this.#isOpen) return
    this.#logger.warn({ err }, 'a replay could not be read')
    this.#socket.destroy()
  }

  /** Closes with a goodbye. Facts published before are sent first, unless the reader is too slow or revoked. */
  close(reason: GoodbyeReason, reconnectInMs: number): void {
    if (reason !== 'slow_consumer' && reason !== 'revoked') this.pump()
    if (!this.#isOpen) return
    const goodbye = encodeGoodbye({ reason, reconnect_in_ms: Math.round(reconnectInMs) })
    if (reason === 'slow_consumer') {
      this.#figures.slowConsumer()
      this.#dropped(this.#waitingStates?.size ?? 0)
      // With full buffers, a goodbye would never be sent.
      if (this.#socket.writableLength < maxWaitingBytes) this.#socket.write(goodbye)
      resetSocket(this.#socket)
    } else if (reason === 'revoked' && this.#socket.writableLength > 0) {
      // Discards buffered facts, which the client may no longer see.
      resetSocket(this.#socket)
    } else {
      this.#figures.wrote(goodbye.length)
      this.#socket.end(goodbye)
      // A client that does not read the goodbye is disconnected.
      const cut = setTimeout(() => this.#socket.destroy(), goodbyeMs)
      this.#socket.once('close', () => clearTimeout(cut))
    }
    this.#closed()
  }

  get #isReady(): boolean {
    return this.#isOpen && this.#blockedSince === 0 && !this.#isHeld
  }

  #reachEnd(): void {
    if (this.reader.isAtEnd) {
      this.#isLive = true
      this.#catchUp()
      return
    }
    this.#isHeld = true
    this.#replay().catch((err: unknown) => this.fail(err))
  }

  /** Replays facts that are older than memory holds, then continues live. */
  async #replay(): Promise<void> {
    const [view, before] = [this.view, this.view.endOffset]
    await this.reader.load()
    this.#isHeld = false
    if (!this.#isOpen) return
    // Time spent waiting for its replay does not count as slowness of the reader.
    if (view === this.view) this.#excuse(view.endOffset - before)
    if (this.reader.isExpired) {
      // The facts were pruned while the reader was behind.
      this.#figures.gap()
      this.#write(encodeFrame('gap', { reason: 'expired', ...this.#log.ends }))
      this.skip()
    }
    this.pump()
  }

  /** Resets the accounting: the reader counts as caught up. */
  #catchUp(): void {
    this.#takenOffset = this.view.endOffset
    this.#excused = 0
  }

  #excuse(bytes: number): void {
    this.#takenOffset += bytes
    this.#excused += bytes
  }

  #countTaken({ entries }: Batch): void {
    let bytes = 0
    for (const { number, frame } of entries) if (number > this.#openedAt) bytes += frame.length
    const excused = Math.min(this.#excused, bytes)
    this.#excused -= excused
    this.#takenOffset += bytes - excused
  }

  /** Advances the position to that of the sweeps, if the stream is caught up. */
  #settle(): void {
    if (this.#isLive) this.reader.passTo(this.#sweep.sweptTo)
    this.#isLive = false
  }

  /**
   * Returns a lone id, which dispatches no event but sets the client's last id (WHATWG HTML, section 9.2.6): so it
   * resumes at the right position even if it got no fact yet, or its filter hid all of them.
   */
  #newPlace(): Buffer | undefined {
    if (this.#isHeld || this.#blockedSince > 0) return undefined
    if (this.#isLive) this.reader.passTo(this.#sweep.sweptTo)
    const { place } = this.reader
    if (place === this.#sentPlace) return undefined
    this.#sentPlace = place
    return Buffer.from(`id: ${this.#log.idOf(place)}\n\n`)
  }

  /** Reports changed rights; a no-op before the welcome, when the client cannot have read its rights yet. */
  #sendChange(): void {
    if (this.#sentPlace < 0 && this.#isHeld) return
    this.#write(encodeFrame('session_changed', { server_time: new Date().toISOString() }))
  }

  #send(bytes: Buffer, count: number): void {
    this.#write(bytes)
    this.#figures.sent(count)
    this.#observer.sent(count)
  }

  #dropped(count: number): void {
    this.#figures.dropped(count)
    this.#observer.dropped(count)
  }

  #write(bytes: Buffer): void {
    this.#figures.wrote(bytes.length)
    if (!this.#socket.write(bytes) && this.#blockedSince === 0) this.#blockedSince = Date.now()
  }

  #drained(): void {
    this.#blockedSince = 0
    for (const [key, state] of this.#waitingStates ?? []) {
      if (this.#blockedSince > 0) break
      this.#waitingStates?.delete(key)
      this.sendState(state)
    }
    this.pump()
  }

  #closed(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#waitingStates = undefined
    this.reader.end()
    this.#ended(this)
    this.#observer.closed()
  }
}
