/** Keeps one event stream open across network failures and reports its status. Knows no page and no worker. */

import { type SseMessage, SseParser } from '../../client/sse-parser.ts'
import type { ServerEvent } from '../../contract/event.ts'
import { type Ending, farewells, refusal } from './stream-answer.ts'
import { initialStatus, isFact, type StreamEvent, type StreamState, type StreamStatus } from './stream-status.ts'

export interface LinkTiming {
  backoffMs: readonly number[]
  /** Milliseconds after which a live connection resets the back-off. */
  healthyMs: number
  /** Timeout for the response headers, and then for `welcome`. */
  connectMs: number
  heartbeatsUntilSilent: number
  /** How late a heartbeat may be before the server is probed; `answerMs` is the timeout of that probe. */
  lateMs: number
  answerMs: number
  /** Upper bound of the reconnect delay that a server may ask for. */
  longestWaitMs: number
}

export const linkTiming: LinkTiming = {
  backoffMs: [1_000, 2_000, 4_000, 8_000, 15_000],
  healthyMs: 30_000,
  connectMs: 10_000,
  heartbeatsUntilSilent: 2.5,
  lateMs: 1_000,
  answerMs: 3_000,
  longestWaitMs: 300_000,
}

const keptEndings = 20

interface StreamLinkOptions {
  url: string
  fetch(url: string, init: RequestInit): Promise<Response>
  isOnline(): boolean
  /** Probes whether the server responds to an ordinary request; false as well if the signal is aborted. */
  isServerThere(signal: AbortSignal): Promise<boolean>
  onStatus(status: StreamStatus): void
  onEvent(event: StreamEvent): void
  /** The last event ID of an earlier link, to resume after it. */
  lastEventId?: string
  timing?: LinkTiming
  random?(): number
}

export class StreamLink {
  readonly #options: StreamLinkOptions
  readonly #timing: LinkTiming
  #status = initialStatus
  #lastEventId: string
  #heartbeatMs = 15_000
  #announcedAt = 0
  #run: AbortController | undefined
  #link: AbortController | undefined
  #watchdog: ReturnType<typeof setTimeout> | undefined
  #doubt: ReturnType<typeof setTimeout> | undefined
  #wake: (() => void) | undefined
  #goodbye: { reason: string; waitMs: number } | undefined

  constructor(options: StreamLinkOptions) {
    this.#options = options
    this.#timing = options.timing ?? linkTiming
    this.#lastEventId = options.lastEventId ?? ''
  }

  get status(): StreamStatus {
    return this.#status
  }

  /**
   * Runs until `stop`, or until the session is no longer valid; a second call is a no-op.
   * @param after The event to resume after, if none was received yet.
   */
  start(after = ''): void {
    if (this.#run) return
    this.#lastEventId ||= after
    this.#run = new AbortController()
    this.#set({ ...initialStatus, troubleSince: Date.now() })
    // The loop never rejects: each failure of a connection becomes its ending.
    void this.#loop(this.#run.signal)
  }

  /** Stops and forgets the session: the next start does not resume. */
  stop(): void {
    this.#run?.abort()
    this.#run = undefined
    this.#lastEventId = ''
    this.#unwatch()
    this.#set({ ...initialStatus, state: 'signed_out' })
  }

  /** Cuts the current back-off short. */
  retryNow(): void {
    this.#wake?.()
  }

  /** Checks the clock after sleep or a network change, when timers are late; retries now if it was waiting. */
  check(): void {
    const { state, lastReceivedAt } = this.#status
    const isSilent = state === 'live' && lastReceivedAt !== null && Date.now() - lastReceivedAt > this.#silenceMs()
    if (isSilent) this.#link?.abort(new Silence())
    else this.retryNow()
  }

  async #loop(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      const ending = await this.#connect(signal)
      if (signal.aborted) return
      if (ending.kind === 'signed_out') return this.stop()
      const { liveSince, lastReceivedAt } = this.#status
      const now = Date.now()
      if (liveSince !== null && now - liveSince >= this.#timing.healthyMs) failures = 0
      const state = this.#stateAfter(ending)
      // A connection that fell silent is reopened immediately; whether the server is up is not known yet.
      const waitMs = state === 'stale' ? 0 : this.#waitMs(failures, ending)
      failures += 1
      this.#set({
        state,
        attempt: failures,
        nextAttemptAt: Date.now() + waitMs,
        reason: ending.reason,
        liveSince: null,
        // After silence, trouble counts from the last byte, so that the report is not delayed further.
        troubleSince: this.#status.troubleSince ?? (ending.kind === 'silent' ? (lastReceivedAt ?? now) : now),
        endings: [
          ...this.#status.endings,
          {
            at: now,
            kind: ending.kind,
            livedMs: liveSince === null ? null : now - liveSince,
            quietMs: lastReceivedAt === null ? null : now - lastReceivedAt,
          },
        ].slice(-keptEndings),
      })
      await this.#pause(waitMs, signal)
      if (!signal.aborted) this.#set({ nextAttemptAt: null })
    }
  }

  #stateAfter(ending: Ending): StreamState {
    if (ending.kind === 'silent' && this.#status.state === 'live') return 'stale'
    return this.#options.isOnline() ? 'reconnecting' : 'offline'
  }

  /** Full jitter under a rising ceiling, unless the server asked for a delay. */
  #waitMs(failures: number, { waitMs }: Ending): number {
    if (waitMs !== undefined) return Math.min(waitMs, this.#timing.longestWaitMs)
    const { backoffMs } = this.#timing
    const ceiling = backoffMs[Math.min(failures, backoffMs.length - 1)] ?? 1_000
    return Math.round((this.#options.random ?? Math.random)() * ceiling)
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#wake = done
      signal.addEventListener('abort', done, { once: true })
    })
  }

  async #connect(signal: AbortSignal): Promise<Ending> {
    const link = new AbortController()
    this.#link = link
    this.#goodbye = undefined
    try {
      this.#watch(this.#timing.connectMs)
      const response = await this.#options.fetch(this.#options.url, {
        headers: {
          accept: 'text/event-stream',
          ...(this.#lastEventId ? { 'last-event-id': this.#lastEventId } : {}),
        },
        credentials: 'same-origin',
        cache: 'no-store',
        redirect: 'error',
        signal: AbortSignal.any([signal, link.signal]),
      })
      return (await refusal(response)) ?? (await this.#read(response))
    } catch (error) {
      if (link.signal.reason instanceof Silence) return { kind: 'silent', reason: link.signal.reason.message }
      if (error instanceof TypeError) return { kind: 'lost', reason: 'The server cannot be reached' }
      return { kind: 'lost', reason: error instanceof Error ? error.message : 'The connection broke' }
    } finally {
      if (this.#link === link) this.#unwatch()
      link.abort()
    }
  }

  async #read(response: Response): Promise<Ending> {
    const reader = response.body!.getReader()
    const decoder = new TextDecoder()
    const parser = new SseParser(this.#lastEventId)
    this.#watch(this.#timing.connectMs)
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const receivedAt = Date.now()
      this.#status = { ...this.#status, lastReceivedAt: receivedAt }
      if (this.#status.state === 'live') this.#watchLive()
      for (const message of parser.push(decoder.decode(piece.value, { stream: true }))) this.#take(message, receivedAt)
      this.#lastEventId = parser.lastEventId
      if (receivedAt - this.#announcedAt >= 1_000) this.#set({})
    }
    if (this.#goodbye) return { kind: 'goodbye', ...this.#goodbye }
    return { kind: 'lost', reason: 'The server ended the stream' }
  }

  #take(message: SseMessage, at: number): void {
    // The cast is true because the server sends only events of the contract, and the page trusts its own server.
    const event = { type: message.event, data: JSON.parse(message.data) } as ServerEvent
    if (event.type === 'welcome') this.#welcome(event.data, at)
    if (event.type === 'heartbeat') this.#setClock(event.data.server_time, at)
    if (event.type === 'goodbye') {
      this.#goodbye = { reason: farewells[event.data.reason], waitMs: event.data.reconnect_in_ms }
    }
    if (event.type === 'gap' && this.#status.lastReturn) {
      this.#set({ lastReturn: { ...this.#status.lastReturn, isGap: true } })
    }
    this.#status = { ...this.#status, lastEvent: { type: event.type, at } }
    this.#options.onEvent({ id: isFact(event.type) ? message.id : null, event })
  }

  #welcome(
    welcome: { server_time: string; heartbeat_seconds: number; client_id: string; replayed: number },
    at: number,
  ) {
    const { troubleSince, attempt } = this.#status
    this.#heartbeatMs = welcome.heartbeat_seconds * 1000
    this.#watchLive()
    this.#set({
      state: 'live',
      attempt: 0,
      nextAttemptAt: null,
      reason: null,
      troubleSince: null,
      liveSince: at,
      clockOffsetMs: Date.parse(welcome.server_time) - at,
      clientId: welcome.client_id,
      lastReturn:
        attempt > 0 ? { at, downMs: at - (troubleSince ?? at), replayed: welcome.replayed, isGap: false } : null,
    })
  }

  #setClock(serverTime: string, at: number): void {
    this.#status = { ...this.#status, clockOffsetMs: Date.parse(serverTime) - at }
  }

  #silenceMs(): number {
    return this.#heartbeatMs * this.#timing.heartbeatsUntilSilent
  }

  #watch(ms: number): void {
    const link = this.#link
    this.#unwatch()
    this.#watchdog = setTimeout(() => link?.abort(new Silence()), ms)
  }

  /** Restarts the watchdog. A late heartbeat triggers a probe, which detects a frozen server sooner. */
  #watchLive(): void {
    this.#watch(this.#silenceMs())
    const link = this.#link
    if (link) this.#doubt = setTimeout(() => void this.#ask(link), this.#heartbeatMs + this.#timing.lateMs)
  }

  async #ask(link: AbortController): Promise<void> {
    const { lastReceivedAt } = this.#status
    const signal = AbortSignal.any([link.signal, AbortSignal.timeout(this.#timing.answerMs)])
    const isThere = await this.#options.isServerThere(signal)
    if (!isThere && this.#status.lastReceivedAt === lastReceivedAt) link.abort(new Silence())
  }

  #unwatch(): void {
    clearTimeout(this.#watchdog)
    clearTimeout(this.#doubt)
  }

  #set(change: Partial<StreamStatus>): void {
    this.#status = { ...this.#status, ...change }
    this.#announcedAt = Date.now()
    this.#options.onStatus(this.#status)
  }
}

class Silence extends Error {
  constructor() {
    super('No heartbeat from the server')
  }
}
