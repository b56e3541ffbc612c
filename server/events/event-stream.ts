/** One reader of the event stream: a place in the log, and the rule for a reader that is too slow. */
import type { ServerResponse } from 'node:http'
import type { Control, EventOf, State, StateType } from '../../contract/event.ts'
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

type GoodbyeReason = EventOf<'goodbye'>['data']['reason']

/** Facts that happened since a stream was opened and that it has not taken; past this it is closed. */
const maxWaitingBytes = 1024 * 1024

export class EventStream {
  readonly principal: Principal
  readonly view: EventView
  readonly #response: ServerResponse
  readonly #log: EventLog
  readonly #observer: StreamObserver
  /** Newest state of each type that waits for the reader. */
  readonly #waitingStates = new Map<StateType, Buffer>()
  #cursor: number
  #cursorOffset: number
  #isBlocked = false
  #isOpen = true

  constructor(options: {
    principal: Principal
    view: EventView
    response: ServerResponse
    log: EventLog
    observer: StreamObserver
    /** Number of the last fact that the reader has. */
    after: number
  }) {
    this.principal = options.principal
    this.view = options.view
    this.#response = options.response
    this.#log = options.log
    this.#observer = options.observer
    this.#cursor = options.after
    // A replay is no slowness: only what happens from now on counts as waiting.
    this.#cursorOffset = options.log.endOffset
    this.#response.on('drain', () => this.#drained())
    this.#response.once('close', () => this.#closed())
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Sends what the log holds behind the reader's place, as far as the reader takes it. */
  pump(): void {
    while (this.#isOpen && !this.#isBlocked && this.#cursor < this.#log.newest) {
      if (this.#cursor + 1 < this.#log.oldest) return this.close('slow_consumer', 1000)
      const batch = this.view.batchAfter(this.#log, this.#cursor)
      this.#cursor = batch.to
      this.#cursorOffset = Math.max(this.#cursorOffset, this.#log.find(batch.to)?.endOffset ?? 0)
      if (batch.bytes) {
        this.#write(batch.bytes)
        this.#observer.sent(batch.count)
      }
    }
    if (this.#log.endOffset - this.#cursorOffset > maxWaitingBytes) this.close('slow_consumer', 1000)
  }

  /** A blocked reader gets only the newest state of each type, later. */
  sendState(type: State['type'], frame: Buffer): void {
    if (!this.#isOpen || !this.view.wantsState(type)) return
    if (!this.#isBlocked) {
      this.#write(frame)
      return this.#observer.sent(1)
    }
    if (this.#waitingStates.has(type)) this.#observer.dropped(1)
    this.#waitingStates.set(type, frame)
  }

  sendControl(control: Control): void {
    if (this.#isOpen) this.#write(encodeFrame(control.type, control.data))
  }

  /** A frame that many streams share, such as the heartbeat; a blocked reader does without. */
  sendShared(frame: Buffer): void {
    if (this.#isOpen && !this.#isBlocked) this.#write(frame)
  }

  /** What was published before the goodbye is sent before it, unless its reader is too slow or may no longer see it. */
  close(reason: GoodbyeReason, reconnectInMs: number): void {
    if (reason !== 'slow_consumer' && reason !== 'revoked') this.pump()
    if (!this.#isOpen) return
    const data = { reason, reconnect_in_ms: Math.round(reconnectInMs) }
    if (reason === 'slow_consumer') {
      this.#observer.dropped(this.#waitingStates.size)
      // Its buffers are full: whether the goodbye gets through is up to the reader, but nothing waits for it.
      this.#response.write(encodeFrame('goodbye', data))
      this.#response.destroy()
    } else {
      this.#response.end(encodeFrame('goodbye', data))
    }
    this.#closed()
  }

  #write(bytes: Buffer): void {
    this.#isBlocked = !this.#response.write(bytes)
  }

  #drained(): void {
    this.#isBlocked = false
    for (const [type, frame] of this.#waitingStates) {
      if (this.#isBlocked) break
      this.#waitingStates.delete(type)
      this.sendState(type, frame)
    }
    this.pump()
  }

  #closed(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#waitingStates.clear()
    this.#observer.closed()
  }
}
