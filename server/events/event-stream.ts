/** One reader of the event stream: a place in the log, and the rules for a reader that is too slow. */
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

/** Facts that happened since a stream was opened and that it has not taken; past this it is closed. */
const maxWaitingBytes = 1024 * 1024
/** A write that the reader does not take for so long ends the stream. The kernel takes some 4 MB before it says anything. */
const maxBlockedMs = 10_000
/** How long a reader may take for its goodbye. */
const goodbyeMs = 5_000

const ignore = () => undefined

export interface EventStreamOptions {
  principal: Principal
  /** What its reader asked for. */
  filter: EventFilter
  /** Its place in the log, and what it gets of what it asked for. */
  reader: LogReader
  /** Where the bytes go: the connection itself, or a stream of HTTP/2, once the head of the response was written to it. */
  socket: Duplex
  log: EventLog
  logger: Logger
  observer: StreamObserver
  /** Of all streams together. */
  figures: StreamFigures
  /** The walks over all streams, which know how far it is though nothing was sent. */
  sweep: { readonly sweptTo: number }
  /** When it must end though its principal does not, so that nobody holds a full kernel buffer forever; epoch milliseconds. */
  endsAt: number
  /** Hears once that it is over, before the observer does. */
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
  /** Newest state of each key that waits for the reader; made when first needed. */
  #waitingStates: Map<string, StateFrame> | undefined
  /** What it has of the facts of its view, in bytes, as `endOffset` of the view counts them. */
  #takenOffset: number
  /** Of these, what it has not taken: it came while a replay was waited for. */
  #excused = 0
  /** Number of the newest fact when it was opened. What is older is no slowness when it waits. */
  readonly #openedAt: number
  #blockedSince = 0
  /** Nothing is sent before `begin`, nor past a replay that is being read. */
  #isHeld = true
  /** It has had everything, so its place is at least where the sweeps have come to: a fact that it does not see moves nothing here. */
  #isLive = false
  #toldPlace = -1
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
    // It comes once; `once` would keep more of each of ten thousand.
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

  /** What is sent from now on is what the new view lets through; it keeps its place. */
  change(principal: Principal, view: EventView, states: ReadonlyMap<string, StateFrame>): void {
    const [before, isOther] = [this.view, !isAlike(principal, this.#principal)]
    this.#principal = principal
    if (!this.#isOpen) return
    if (view === before) return isOther ? this.#tellChange() : undefined
    this.reader.change(view)
    this.#catchUp()
    // What Node holds for a reader that is behind cannot be taken back: it comes again for what it may see of that.
    if (this.#socket.writableLength > 0) {
      resetSocket(this.#socket)
      return this.#closed()
    }
    if (isOther) this.#tellChange()
    for (const state of this.#waitingStates?.values() ?? []) {
      if (!view.wantsState(state)) this.#waitingStates?.delete(state.key)
    }
    for (const state of states.values()) {
      const isKnown = before.wantsState(state) && state.bytesFor(before) === state.bytesFor(view)
      if (!isKnown) this.sendState(state)
    }
    // The sweep that is under way may be past this view: what it would have brought is brought here.
    this.pump()
  }

  /** Skips what it missed, and continues with new facts. */
  skip(): void {
    this.reader.skip()
    this.#catchUp()
  }

  /** Welcome, the newest states, and from then on what the log holds. */
  begin(first: Buffer, states: ReadonlyMap<string, StateFrame>): void {
    if (!this.#isOpen) return
    // That its facts had to be counted is no slowness of its reader.
    this.#excuse(this.view.endOffset - this.#takenOffset)
    this.#write(first)
    this.#isHeld = false
    for (const state of states.values()) this.sendState(state)
    this.pump()
    const place = this.#newPlace()
    if (place) this.#write(place)
  }

  /** Sends what the log holds behind the reader's place, as far as the reader takes it. */
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

  /** A blocked reader gets only the newest state of each key, later. */
  sendState(state: StateFrame): void {
    const { key } = state
    if (!this.#isOpen || !this.view.wantsState(state)) return
    if (state.owner !== undefined && state.owner !== ownerOf(this.#principal)) return
    // Before the beginning: the newest of each follows the welcome.
    if (this.#toldPlace < 0 && this.#isHeld) return
    const bytes = state.bytesFor(this.view)
    if (!bytes) return
    if (this.#blockedSince === 0) return this.#send(bytes, 1)
    this.#waitingStates ??= new Map()
    if (this.#waitingStates.has(key)) this.#dropped(1)
    this.#waitingStates.set(key, state)
  }

  /** The heartbeat that all streams share; a blocked reader does without. */
  beat(frame: Buffer): void {
    if (!this.#isOpen || this.#blockedSince > 0 || this.#isHeld) return
    const place = this.#newPlace()
    this.#write(place ? Buffer.concat([frame, place]) : frame)
    this.view.rest()
  }

  /** Called now and then for every stream, in place of a timer for each. */
  check(now: number): void {
    if (now >= (this.#principal.endsAt ?? Number.POSITIVE_INFINITY)) this.close('revoked', 0)
    else if (this.#blockedSince > 0 && now - this.#blockedSince > maxBlockedMs) this.close('slow_consumer', 1000)
    else if (now >= this.#endsAt) this.close('max_age', Math.random() * 5_000)
  }

  /** The log could not be read: its reader comes back with its id. */
  fail(err: unknown): void {
    if (!this.#isOpen) return
    this.#logger.warn({ err }, 'a replay could not be read')
    this.#socket.destroy()
  }

  /** What was published before the goodbye is sent before it, unless its reader is too slow or may no longer see it. */
  close(reason: GoodbyeReason, reconnectInMs: number): void {
    if (reason !== 'slow_consumer' && reason !== 'revoked') this.pump()
    if (!this.#isOpen) return
    const goodbye = encodeGoodbye({ reason, reconnect_in_ms: Math.round(reconnectInMs) })
    if (reason === 'slow_consumer') {
      this.#figures.slowConsumer()
      this.#dropped(this.#waitingStates?.size ?? 0)
      // Its buffers are full, so a goodbye would wait forever.
      if (this.#socket.writableLength < maxWaitingBytes) this.#socket.write(goodbye)
      resetSocket(this.#socket)
    } else if (reason === 'revoked' && this.#socket.writableLength > 0) {
      // What it did not take yet is not its business any more.
      resetSocket(this.#socket)
    } else {
      this.#figures.wrote(goodbye.length)
      this.#socket.end(goodbye)
      // A client that does not read it is disconnected.
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

  /** Reads what is older than memory holds; the live flow is joined when the place is reached. */
  async #replay(): Promise<void> {
    const [view, before] = [this.view, this.view.endOffset]
    await this.reader.load()
    this.#isHeld = false
    if (!this.#isOpen) return
    // That it had to wait for its turn is no slowness of its reader.
    if (view === this.view) this.#excuse(view.endOffset - before)
    if (this.reader.isExpired) {
      // Forgotten while the reader was on its way.
      this.#figures.gap()
      this.#write(encodeFrame('gap', { reason: 'expired', ...this.#log.ends }))
      this.skip()
    }
    this.pump()
  }

  /** Nothing waits for it as far as is counted. */
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

  /** Goes on to where the sweeps have come to, as long as it has had everything up to there. */
  #settle(): void {
    if (this.#isLive) this.reader.passTo(this.#sweep.sweptTo)
    this.#isLive = false
  }

  /**
   * An id alone, which is no event but moves the reader's last id (WHATWG HTML, section 9.2.6): so it also comes back
   * to the right place when it has had no fact yet, or only such as its filter hides.
   */
  #newPlace(): Buffer | undefined {
    if (this.#isHeld || this.#blockedSince > 0) return undefined
    if (this.#isLive) this.reader.passTo(this.#sweep.sweptTo)
    const { place } = this.reader
    if (place === this.#toldPlace) return undefined
    this.#toldPlace = place
    return Buffer.from(`id: ${this.#log.idOf(place)}\n\n`)
  }

  /** Before the welcome there is nobody yet who could have asked who they are. */
  #tellChange(): void {
    if (this.#toldPlace < 0 && this.#isHeld) return
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
