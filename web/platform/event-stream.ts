/** This tab's end of the shared event stream: its status, the newest facts, and a callback for each event. */
import { type HubMessage, StreamHub, type TabMessage } from './stream-hub.ts'
import { canElect, StreamLeader } from './stream-leader.ts'
import { initialStatus, type StreamEvent, type StreamStatus } from './stream-status.ts'

export interface StreamSnapshot {
  status: StreamStatus
  /** The number of tabs in this browser that share the stream. */
  tabs: number
  isShared: boolean
  /** The newest facts, newest first; at most 200. */
  facts: readonly StreamEvent[]
}

const keptFacts = 200
const aliveMs = 30_000

export class EventStream {
  readonly #listeners = new Set<() => void>()
  readonly #eventListeners = new Set<(event: StreamEvent) => void>()
  #port: MessagePort | undefined
  #isOpen = false
  #after: string | undefined
  #snapshot: StreamSnapshot = { status: initialStatus, tabs: 1, isShared: false, facts: [] }

  /** Joins this browser's stream until the signal is aborted. */
  start(signal: AbortSignal): void {
    this.#join(signal)
    const timer = setInterval(() => this.#post('alive'), aliveMs)
    const check = () => document.visibilityState === 'visible' && this.#post('check')
    document.addEventListener('visibilitychange', check, { signal })
    addEventListener('pageshow', event => event.persisted && this.#post('join'), { signal })
    addEventListener('pagehide', () => this.#post('leave'), { signal })
    signal.addEventListener('abort', () => {
      clearInterval(timer)
      this.#post('leave')
      this.#connectTo(undefined, false)
    })
  }

  /** Connects to a shared worker if one works, else to the hub of the leading tab, else to a hub of this tab alone. */
  #join(signal: AbortSignal): void {
    if (typeof SharedWorker !== 'function') return this.#joinLeader(signal)
    const worker = new SharedWorker(new URL('./stream-worker.ts', import.meta.url), { type: 'module', name: 'events' })
    worker.addEventListener('error', () => this.#joinLeader(signal), { once: true, signal })
    this.#connectTo(worker.port, true)
  }

  #joinLeader(signal: AbortSignal): void {
    if (!canElect()) return this.#joinOwnHub()
    this.#connectTo(new StreamLeader().start(signal), true)
  }

  #joinOwnHub(): void {
    const { port1, port2 } = new MessageChannel()
    new StreamHub().connect(port2)
    this.#connectTo(port1, false)
  }

  #connectTo(port: MessagePort | undefined, isShared: boolean): void {
    if (this.#port) this.#port.onmessage = null
    this.#port = port
    if (!port) return
    port.onmessage = ({ data }: MessageEvent<HubMessage>) => this.#onMessage(data)
    this.#change({ isShared })
    this.#post(this.#isOpen ? 'open' : 'join')
  }

  /**
   * Opens the stream; call it once signed in.
   * @param after The event before everything that this page has requested.
   */
  open(after?: string): void {
    this.#isOpen = true
    this.#after = after
    this.#post('open')
  }

  /** Closes the stream for all tabs; call it once signed out. */
  close(): void {
    this.#isOpen = false
    this.#post('close')
  }

  retryNow(): void {
    this.#post('retry')
  }

  /** Registers a listener, for useSyncExternalStore. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly getSnapshot = (): StreamSnapshot => this.#snapshot

  onEvent(listener: (event: StreamEvent) => void): () => void {
    this.#eventListeners.add(listener)
    return () => this.#eventListeners.delete(listener)
  }

  #onMessage(message: HubMessage): void {
    if (message.type === 'hello') return this.#post(this.#isOpen ? 'open' : 'join')
    if (message.type === 'event') return this.#take(message.event)
    const { status, tabs } = message
    const facts = message.type === 'snapshot' ? message.events.toReversed() : this.#snapshot.facts
    this.#change({ status, tabs, facts })
    if (message.type === 'snapshot' && message.stats) this.#tell(message.stats)
  }

  #take(event: StreamEvent): void {
    if (event.id !== null) this.#change({ facts: [event, ...this.#snapshot.facts].slice(0, keptFacts) })
    this.#tell(event)
  }

  #change(change: Partial<StreamSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change }
    for (const listener of this.#listeners) listener()
  }

  #tell(event: StreamEvent): void {
    for (const listener of this.#eventListeners) listener(event)
  }

  #post(type: TabMessage['type']): void {
    const message: TabMessage = type === 'open' ? { type, after: this.#after } : { type }
    this.#port?.postMessage(message)
  }
}
