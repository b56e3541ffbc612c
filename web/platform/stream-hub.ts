/** Shares one stream link among tabs, each behind a MessagePort. Runs in the shared worker, or in the page where there is none. */
import { StreamLink } from './stream-link.ts'
import type { StreamEvent, StreamStatus } from './stream-status.ts'

/** What a tab says. `alive` comes every 30 s, since a tab that dies says nothing. */
export type TabMessage = { type: 'join' | 'open' | 'close' | 'retry' | 'check' | 'alive' | 'leave' }

/** What a tab hears. `events` holds the newest facts, so that a tab that joins late can show them too. */
export type HubMessage =
  | { type: 'snapshot'; status: StreamStatus; tabs: number; events: StreamEvent[]; stats: StreamEvent | null }
  | { type: 'status'; status: StreamStatus; tabs: number }
  | { type: 'event'; event: StreamEvent }

/** Facts kept for tabs that join later. */
const keptFacts = 200
/** Browsers slow the timers of hidden tabs to one a minute. */
const tabSilentMs = 180_000

export class StreamHub {
  readonly #link: StreamLink
  /** Bounded by the tabs of one browser; silent ones are dropped. */
  readonly #tabs = new Map<MessagePort, number>()
  #events: StreamEvent[] = []
  #stats: StreamEvent | null = null

  constructor() {
    this.#link = new StreamLink({
      url: '/api/dashboard/events',
      fetch: (url, init) => fetch(url, init),
      isOnline: () => navigator.onLine,
      onStatus: () => this.#announce(),
      onEvent: event => this.#take(event),
    })
    addEventListener('online', () => this.#link.check())
  }

  connect(port: MessagePort): void {
    port.onmessage = ({ data }: MessageEvent<TabMessage>) => this.#hear(port, data)
  }

  #hear(port: MessagePort, { type }: TabMessage): void {
    if (type === 'leave') {
      this.#tabs.delete(port)
      return this.#announce()
    }
    const isNew = !this.#tabs.has(port)
    this.#tabs.set(port, Date.now())
    if (type === 'open') this.#link.start()
    if (type === 'close') this.#forget()
    if (type === 'retry') this.#link.retryNow()
    if (type === 'check') this.#link.check()
    if (!isNew && type !== 'join') return
    const message: HubMessage = {
      type: 'snapshot',
      status: this.#link.status,
      tabs: this.#tabs.size,
      events: this.#events,
      stats: this.#stats,
    }
    port.postMessage(message)
    this.#announce()
  }

  #forget(): void {
    this.#events = []
    this.#stats = null
    this.#link.stop()
  }

  #take(event: StreamEvent): void {
    if (event.id !== null) {
      if (this.#events.some(({ id }) => id === event.id)) return
      this.#events = [...this.#events, event].slice(-keptFacts)
    }
    if (event.event.type === 'stats_update') this.#stats = event
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
