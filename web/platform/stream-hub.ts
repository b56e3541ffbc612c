/** Shares one stream link among tabs, each behind a port. Runs in the shared worker, or in a page if there is none. */
import { RecentEvents } from './recent-events.ts'
import { isServerAlive } from './server-alive.ts'
import { StreamLink } from './stream-link.ts'
import type { StreamEvent, StreamStatus } from './stream-status.ts'

/** A message from a tab to the hub. `alive` is sent every 30 s, since a closed tab cannot say goodbye. */
export type TabMessage =
  | { type: 'join' | 'close' | 'retry' | 'check' | 'alive' | 'leave' }
  /** `after` is the event before everything that the tab has requested. */
  | { type: 'open'; after: string | undefined }

/**
 * A message from the hub to a tab. `events` holds the newest facts, for tabs that join late. After `hello`, sent by a
 * new hub, a tab repeats its requests.
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

/** A tab as its hub sees it: a MessagePort, or a stand-in for one. */
export interface TabPort {
  onmessage: ((event: MessageEvent<TabMessage>) => void) | null
  postMessage(message: HubMessage): void
}

/** Milliseconds after which a silent tab is dropped; browsers throttle the timers of hidden tabs to one a minute. */
const tabSilentMs = 180_000

export class StreamHub {
  readonly #link: StreamLink
  readonly #recent: RecentEvents
  readonly #ended = new AbortController()
  /** Last message of each tab; bounded by the tabs of one browser, because silent ones are dropped. */
  readonly #tabs = new Map<TabPort, number>()

  /** @param recent Events that an earlier hub of this browser received; this one resumes after them. */
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
    port.onmessage = ({ data }) => this.#onMessage(port, data)
  }

  /** Stops without telling the tabs: their stream continues through another hub. */
  stop(): void {
    this.#ended.abort()
    for (const port of this.#tabs.keys()) port.onmessage = null
    this.#tabs.clear()
    this.#link.stop()
  }

  #onMessage(port: TabPort, message: TabMessage): void {
    const { type } = message
    if (type === 'leave') {
      this.#tabs.delete(port)
      return this.#announce()
    }
    const isNew = !this.#tabs.has(port)
    this.#tabs.set(port, Date.now())
    // With other tabs present, `after` is ignored: their data may be older, and they reload if the stream reports a
    // gap.
    if (message.type === 'open') this.#link.start(this.#tabs.size === 1 ? message.after : undefined)
    if (type === 'close') this.#forget()
    if (type === 'retry') this.#link.retryNow()
    if (type === 'check') this.#link.check()
    if (!isNew && type !== 'join') return
    port.postMessage(this.#snapshot())
    this.#announce()
  }

  #snapshot(): HubMessage {
    const { facts: events, stats } = this.#recent
    return { type: 'snapshot', status: this.#link.status, tabs: this.#tabs.size, events, stats }
  }

  #forget(): void {
    this.#recent.clear()
    this.#link.stop()
  }

  #take(event: StreamEvent): void {
    const before = this.#recent.facts.length
    if (!this.#recent.take(event)) return
    if (this.#recent.facts.length < before) this.#tell(this.#snapshot())
    this.#tell({ type: 'event', event })
  }

  #announce(): void {
    for (const [port, heardAt] of this.#tabs) if (Date.now() - heardAt > tabSilentMs) this.#tabs.delete(port)
    this.#tell({ type: 'status', status: this.#link.status, tabs: this.#tabs.size })
  }

  #tell(message: HubMessage): void {
    for (const port of this.#tabs.keys()) port.postMessage(message)
  }
}
