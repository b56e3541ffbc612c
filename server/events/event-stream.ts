/** One reader of the event stream: a place in the log, and the rules for a reader that is too slow. */
import type { Duplex } from 'node:stream'
import type { Control, EventOf, State, StateType } from '../../contract/event.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { encodeFrame } from './event-frame.ts'
import type { EventLog } from './event-log.ts'
import type { EventView } from './event-view.ts'

/** Who keeps count of a client's streams; `clients` gives one for each stream. */
export interface StreamObserver {
  readonly clientId: string
  sent(count: number): void
  dropped(count: number): void
  closed(): void
}

/** Where the bytes go: the socket itself, once the head of the response was written to it. */
export type StreamSocket = Duplex & { resetAndDestroy?(): unknown }

type GoodbyeReason = EventOf<'goodbye'>['data']['reason']

/** Facts that happened since a stream was opened and that it has not taken; past this it is closed. */
const maxWaitingBytes = 1024 * 1024
/** A write that the reader does not take for so long ends the stream. The kernel takes some 4 MB before it says anything. */
const maxBlockedMs = 10_000
/** How long a reader may take for its goodbye. */
const goodbyeMs = 5_000
/** Facts read from the database at once for a replay. */
const replayPage = 500

export interface EventStreamOptions {
  principal: Principal
  view: EventView
  socket: StreamSocket
  log: EventLog
  logger: Logger
  observer: StreamObserver
  /** Number of the last fact that the reader has. */
  after: number
  /** When it must end, so that nobody holds a full kernel buffer for ever; epoch milliseconds. */
  endsAt: number
}

export class EventStream {
  readonly principal: Principal
  readonly view: EventView
  readonly #socket: StreamSocket
  readonly #log: EventLog
  readonly #logger: Logger
  readonly #observer: StreamObserver
  readonly #endsAt: number
  /** Newest state of each type that waits for the reader; made when first needed. */
  #waitingStates: Map<StateType, Buffer> | undefined
  #cursor: number
  #cursorOffset: number
  #blockedSince = 0
  #isReading = false
  #isOpen = true

  constructor(options: EventStreamOptions) {
    this.principal = options.principal
    this.view = options.view
    this.#socket = options.socket
    this.#log = options.log
    this.#logger = options.logger
    this.#observer = options.observer
    this.#endsAt = options.endsAt
    this.#cursor = options.after
    // A replay is no slowness: only what happens from now on counts as waiting.
    this.#cursorOffset = options.log.endOffset
    this.#socket.on('drain', () => this.#drained())
    this.#socket.on('error', () => undefined)
    this.#socket.once('close', () => this.#closed())
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Sends what the log holds behind the reader's place, as far as the reader takes it. */
  pump(): void {
    while (this.#isOpen && this.#blockedSince === 0 && !this.#isReading && this.#cursor < this.#log.newest) {
      if (this.#cursor + 1 < this.#log.oldestHeld) {
        this.#isReading = true
        this.#replay().catch(err => {
          this.#logger.warn({ err }, 'a replay could not be read')
          // It comes back with its id.
          this.#socket.destroy()
        })
        return
      }
      const batch = this.view.batchAfter(this.#log, this.#cursor)
      this.#cursor = batch.to
      this.#cursorOffset = Math.max(this.#cursorOffset, this.#log.find(batch.to)?.endOffset ?? 0)
      if (batch.bytes) this.#send(batch.bytes, batch.count)
    }
    if (this.#log.endOffset - this.#cursorOffset > maxWaitingBytes) this.close('slow_consumer', 1000)
  }

  /** A blocked reader gets only the newest state of each type, later. */
  sendState(type: State['type'], frame: Buffer): void {
    if (!this.#isOpen || !this.view.wantsState(type)) return
    if (this.#blockedSince === 0) return this.#send(frame, 1)
    this.#waitingStates ??= new Map()
    if (this.#waitingStates.has(type)) this.#observer.dropped(1)
    this.#waitingStates.set(type, frame)
  }

  sendControl(control: Control): void {
    if (this.#isOpen) this.#write(encodeFrame(control.type, control.data))
  }

  /** A frame that many streams share, such as the heartbeat; a blocked reader does without. */
  sendShared(frame: Buffer): void {
    if (this.#isOpen && this.#blockedSince === 0) this.#write(frame)
  }

  /** Called now and then for every stream, in place of a timer for each. */
  check(now: number): void {
    if (this.#blockedSince > 0 && now - this.#blockedSince > maxBlockedMs) this.close('slow_consumer', 1000)
    else if (now >= this.#endsAt) this.close('max_age', Math.random() * 5_000)
  }

  /** What was published before the goodbye is sent before it, unless its reader is too slow or may no longer see it. */
  close(reason: GoodbyeReason, reconnectInMs: number): void {
    if (reason !== 'slow_consumer' && reason !== 'revoked') this.pump()
    if (!this.#isOpen) return
    const goodbye = encodeFrame('goodbye', { reason, reconnect_in_ms: Math.round(reconnectInMs) })
    if (reason === 'slow_consumer') {
      this.#observer.dropped(this.#waitingStates?.size ?? 0)
      // Its buffers are full, so a goodbye would wait for ever. A reset frees what the kernel holds; a plain end would not.
      if (this.#socket.writableLength < maxWaitingBytes) this.#socket.write(goodbye)
      if (this.#socket.resetAndDestroy) this.#socket.resetAndDestroy()
      else this.#socket.destroy()
    } else {
      this.#socket.end(goodbye)
      // Who does not take it is cut off.
      const cut = setTimeout(() => this.#socket.destroy(), goodbyeMs)
      this.#socket.once('close', () => clearTimeout(cut))
    }
    this.#closed()
  }

  /** Reads a page of what is older than memory holds; the live flow is joined when the place is reached. */
  async #replay(): Promise<void> {
    const entries = await this.#log.read(this.#cursor, replayPage)
    this.#isReading = false
    if (!this.#isOpen) return
    const [first] = entries
    if (first?.number !== this.#cursor + 1) {
      // Forgotten while the reader was on its way.
      const ids = { oldest_id: this.#log.idOf(this.#log.oldest), newest_id: this.#log.idOf(this.#log.newest) }
      this.sendControl({ type: 'gap', data: { reason: 'expired', ...ids } })
      this.#cursor = this.#log.newest
      return this.pump()
    }
    const frames = entries.filter(entry => this.view.accepts(entry.fact)).map(entry => entry.frame)
    this.#cursor = entries.at(-1)?.number ?? this.#cursor
    if (frames.length > 0) this.#send(Buffer.concat(frames), frames.length)
    this.pump()
  }

  #send(bytes: Buffer, count: number): void {
    this.#write(bytes)
    this.#observer.sent(count)
  }

  #write(bytes: Buffer): void {
    if (!this.#socket.write(bytes) && this.#blockedSince === 0) this.#blockedSince = Date.now()
  }

  #drained(): void {
    this.#blockedSince = 0
    for (const [type, frame] of this.#waitingStates ?? []) {
      if (this.#blockedSince > 0) break
      this.#waitingStates?.delete(type)
      this.sendState(type, frame)
    }
    this.pump()
  }

  #closed(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#waitingStates = undefined
    this.#observer.closed()
  }
}
