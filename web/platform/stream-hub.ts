/** Shares one stream link among tabs, each behind a port. Runs in the shared worker, or in a page where there is none. */
import { RecentEvents } from './recent-events.ts'
import { isServerAlive } from './server-alive.ts'
import { StreamLink } from './stream-link.ts'
import type { StreamEvent, StreamStatus } from './stream-status.ts'

/** What a tab says. `alive` comes every 30 s, since a tab that dies says nothing. */
export type TabMessage =
  | { type: 'join' | 'close' | 'retry' | 'check' | 'alive' | 'leave' }
  /** `after` is the event before everything that the tab asked for. */
  | { type: 'open'; after: string | undefined }

/**
 * What a tab hears. `events` holds the newest facts, so that a tab that joins late can show them too. After `hello`, from a
 * hub that is new, a tab says again what it wants.
 */
export type HubMessage =
  | { type: 'hello' }
  | {
      type: 'snapshot'
      status: StreamStatus
      tabs: number
      events: readonly StreamEvent[]
      stats: StreamEvent | null
    }
  | { type: 'status'; status: StreamStatus; tabs: number }
  | { type: 'event'; event: StreamEvent }

/** A tab as its hub sees it: a MessagePort, or what speaks like one. */
export interface TabPort {
  onmessage: ((event: MessageEvent<TabMessage>) => void) | null
  postMessage(message: HubMessage): void
}

/** Browsers slow the timers of hidden tabs to one a minute. */
const tabSilentMs = 180_000

export class StreamHub {
  readonly #link: StreamLink
  readonly #recent: RecentEvents
  readonly #ended = new AbortController()
  /** Bounded by the tabs of one browser; silent ones are dropped. */
  readonly #tabs = new Map<TabPort, number>()

  /** @param recent What an earlier hub of this browser had heard; this one goes on behind it. */
  constructor(recent = new RecentEvents()) {
    this.#recent = recent
    this.#link = new StreamLink({
      url: '/api/dashboard/events',
      fetch: (url, init) => fetch(url, init),
      isOnline: () => navigator.onLine,
      isServerThere: isServerAlive,
      onStatus: () => this.#announce(),
      onEvent: event => this.#take(event),
      lastEventId: recent.lastEventId,
    })
    addEventListener('online', () => this.#link.check(), { signal: this.#ended.signal })
  }

  connect(port: TabPort): void {
    port.onmessage = ({ data }) => this.#hear(port, data)
  }

  /** Ends without a word to the tabs: for them the stream goes on, in another place. */
  stop(): void {
    this.#ended.abort()
    for (const port of this.#tabs.keys()) port.onmessage = null
    this.#tabs.clear()
    this.#link.stop()
  }

  #hear(port: TabPort, message: TabMessage): void {
    const { type } = message
    if (type === 'leave') {
      this.#tabs.delete(port)
      return this.#announce()
    }
    const isNew = !this.#tabs.has(port)
    this.#tabs.set(port, Date.now())
    // What other tabs asked for may be older; they ask again when the stream does not say what they missed.
    if (message.type === 'open') this.#link.start(this.#tabs.size === 1 ? message.after : undefined)
    if (type === 'close') this.#forget()
    if (type === 'retry') this.#link.retryNow()
    if (type === 'check') this.#link.check()
    if (!isNew && type !== 'join') return
    const snapshot: HubMessage = {
      type: 'snapshot',
      status: this.#link.status,
      tabs: this.#tabs.size,
      events: this.#recent.facts,
      stats: this.#recent.stats,
    }
    port.postMessage(snapshot)
    this.#announce()
  }

  #forget(): void {
    this.#recent.clear()
    this.#link.stop()
  }

  #take(event: StreamEvent): void {
    if (this.#recent.take(event)) this.#tell({ type: 'event', event })
  }

  #announce(): void {
    for (const [port, heardAt] of this.#tabs) if (Date.now() - heardAt > tabSilentMs) this.#tabs.delete(port)
    this.#tell({ type: 'status', status: this.#link.status, tabs: this.#tabs.size })
  }

  #tell(message: HubMessage): void {
    for (const port of this.#tabs.keys()) port.postMessage(message)
  }
}
