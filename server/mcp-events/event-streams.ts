/**
 * `events/stream`: each stream has a position in the log and is sent as fast as its client reads; its principal's
 * changes narrow or end it.
 */
import type { EventHub } from '../events/event-hub.ts'
import type { McpError, McpExtensionContext } from '../mcp/mcp-port.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import type { Principal, PrincipalListener } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { EventGate } from './event-gate.ts'
import type { EventProjector } from './event-projector.ts'
import { type EventReading, filterOf, isBefore, type StartPlace } from './event-reading.ts'
import type { RequestedEvent } from './event-types.ts'
import { complete, errorOf, forbidden, metaOf, notifications } from './events-wire.ts'

export interface EventStreamsOptions {
  hub: Pick<EventHub, 'follow' | 'places'>
  reading: EventReading
  projector: EventProjector
  gate: EventGate
  sent(count: number): void
  logger: Logger
  heartbeatMs?: number
}

interface Stream {
  principal: Principal
  readonly asked: RequestedEvent
  change(principal: Principal): void
  wake(): void
  isBeatDue: boolean
  ended: McpError | undefined
}

/** SEP-3415 requires one at least every 30 s. */
const defaultHeartbeatMs = 20_000

export class EventStreams implements PrincipalListener {
  readonly #options: EventStreamsOptions
  readonly #streams = new Set<Stream>()
  readonly #running = new Set<Promise<unknown>>()
  readonly #stopped = new AbortController()

  constructor(options: EventStreamsOptions) {
    this.#options = options
  }

  start(): void {
    const { heartbeatMs = defaultHeartbeatMs, logger } = this.#options
    const beat = () => {
      for (const stream of this.#streams) {
        stream.isBeatDue = true
        stream.wake()
      }
    }
    const failed = (err: unknown) => logger.error({ err }, 'the heartbeat of MCP event streams failed')
    every(heartbeatMs, this.#stopped.signal, beat, failed)
  }

  /** Ends every stream with its result. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    for (const stream of this.#streams) stream.wake()
    await Promise.all([...this.#running])
  }

  get count(): number {
    return this.#streams.size
  }

  changed(principal: Principal): void {
    for (const stream of this.#of(principal.id)) {
      stream.change(principal)
      if (!this.#options.gate.isOpen(principal, stream.asked.name)) end(stream, 'Access was narrowed.')
    }
  }

  revoked(principalId: string): void {
    for (const stream of this.#of(principalId)) end(stream, 'Access was revoked.')
  }

  endWhere(isStopped: (principal: Principal) => boolean): void {
    for (const stream of this.#streams) {
      if (isStopped(stream.principal)) end(stream, 'A human stopped what programs may read.')
    }
  }

  /** Resolves with the result that ends the stream, also when the client is gone. */
  open(
    asked: RequestedEvent,
    start: StartPlace,
    floor: string | undefined,
    context: McpExtensionContext,
  ): Promise<Record<string, unknown>> {
    const running = this.#serve(asked, start, floor, context).finally(() => this.#running.delete(running))
    this.#running.add(running)
    return running
  }

  async #serve(
    asked: RequestedEvent,
    { after, isTruncated }: StartPlace,
    floor: string | undefined,
    { caller, id, signal, notify }: McpExtensionContext,
  ): Promise<Record<string, unknown>> {
    const { hub, reading, projector, gate, sent } = this.#options
    const stopped = this.#stopped.signal
    const [meta, end] = [metaOf(id), complete(metaOf(id))]
    let wake = () => {}
    const filter = filterOf(asked)
    const follower = hub.follow({ principal: caller.principal, filter, after, wake: () => wake() })
    const { reader } = follower
    const stream: Stream = {
      ...{ principal: caller.principal, asked, isBeatDue: false, ended: undefined, wake: () => wake() },
      change: principal => {
        stream.principal = principal
        follower.change(principal)
        wake()
      },
    }
    const notifyActive = (isBehind: boolean) =>
      notify(notifications.active, { cursor: reading.cursorOf(reader.place), truncated: isBehind, ...meta })
    const gone = () => {
      reader.end()
      wake()
    }
    signal.addEventListener('abort', gone, { once: true })
    this.#streams.add(stream)
    try {
      await notifyActive(isTruncated)
      while (!signal.aborted && !stopped.aborted) {
        if (stream.ended) {
          await notify(notifications.terminated, { error: errorOf(stream.ended), ...meta })
          return end
        }
        if (reader.isExpired) {
          reader.passTo(hub.places.oldest - 1)
          await notifyActive(true)
          continue
        }
        const batch = reader.take()
        for (const entry of batch?.entries ?? []) {
          if (signal.aborted || stopped.aborted || stream.ended) break
          // The view may have changed since the batch was taken.
          if (isBefore(entry, floor) || !reader.view.accepts(entry.fact)) continue
          const event = await projector.project(asked, stream.principal, entry, signal)
          if (!event || stream.ended || !reader.view.accepts(entry.fact)) continue
          await gate.show(stream.principal, event)
          await notify(notifications.event, { ...event, cursor: reading.cursorOf(entry.number), ...meta })
          sent(1)
        }
        if (batch) continue
        if (!reader.isAtEnd) {
          await reader.load()
          continue
        }
        if (stream.isBeatDue) {
          stream.isBeatDue = false
          await notify(notifications.heartbeat, { cursor: reading.cursorOf(reader.place), ...meta })
          continue
        }
        await new Promise<void>(resolve => {
          wake = resolve
          // Catches what came while this was set up.
          if (!reader.isAtEnd || stream.ended || stream.isBeatDue || signal.aborted || stopped.aborted) resolve()
        })
      }
      await this.#tellWhy(signal, notify, meta)
      return end
    } catch (error) {
      // The client is gone or the exchange was ended: nothing more is read.
      if (signal.aborted || stopped.aborted) return end
      throw error
    } finally {
      signal.removeEventListener('abort', gone)
      this.#streams.delete(stream)
      follower.end()
    }
  }

  /** Sends why the exchange was ended by a Problem, as far as the transport still accepts it. */
  async #tellWhy(signal: AbortSignal, notify: McpExtensionContext['notify'], meta: object): Promise<void> {
    if (!(signal.reason instanceof Problem) || signal.reason.code === 'draining') return
    const error = errorOf(forbidden(signal.reason.message))
    await notify(notifications.terminated, { error, ...meta }).catch(() => undefined)
  }

  #of(principalId: string): Stream[] {
    return [...this.#streams].filter(({ principal }) => principal.id === principalId)
  }
}

function end(stream: Stream, reason: string): void {
  stream.ended ??= forbidden(reason)
  stream.wake()
}
