/** The event stream as one iterator that outlives its connections: it reconnects, resumes, and backs off as asked. */

import type { Control, Fact, ServerEvent, State } from './api.d.ts'
import { type Connection, pause } from './connection.ts'
import { ProblemError } from './problem-error.ts'
import { SseParser } from './sse-parser.ts'

export type EventType = (Fact | State)['type']
/** Events that are yielded; heartbeats and goodbyes are handled internally. */
type Shown<Event extends ServerEvent> = Exclude<Event, { type: 'heartbeat' | 'goodbye' }>
/** Event types that are delivered regardless of the `types` filter. */
type Always = Shown<Control>['type']

/** An event with its position: pass `id` as `lastEventId` to resume after it, even in another process. */
export type StreamedEvent<Type extends EventType = EventType> = Extract<Shown<ServerEvent>, { type: Type | Always }> & {
  id: string
}

export interface EventOptions<Type extends EventType = EventType> {
  /** Fact and state types to receive; default: everything that the token may see. */
  types?: readonly Type[] | undefined
  /** Accounts to receive facts for; facts that belong to no account are always included. */
  account_id?: string | readonly string[] | undefined
  /** The `id` of the last event that was processed; the stream resumes after it. */
  lastEventId?: string | undefined
  /** Ends the iteration by throwing the signal's reason. */
  signal?: AbortSignal | undefined
}

/** Statuses that a retry would not change; they end the iteration with the error. */
const final = new Set([400, 401, 403, 404])
const ceilings = [1_000, 2_000, 4_000, 8_000, 15_000] as const
/** The heartbeat interval assumed until the `welcome` event gives the real one. */
const usualHeartbeatSeconds = 15
/** Heartbeats that may be missed before the connection is considered dead. */
const missedHeartbeats = 3

/** Resume position and back-off state, carried from one connection to the next. */
interface Position {
  id: string
  /** Consecutive connections that ended without a `welcome` or a reconnect time; sets the back-off. */
  failures: number
  /** The reconnect delay that the server asked for. */
  waitMs: number | undefined
  heartbeatSeconds: number
}

export async function* streamEvents<Type extends EventType>(
  connection: Connection,
  options: EventOptions<Type>,
): AsyncGenerator<StreamedEvent<Type>, void, undefined> {
  const position: Position = {
    id: options.lastEventId ?? '',
    failures: 0,
    waitMs: undefined,
    heartbeatSeconds: usualHeartbeatSeconds,
  }
  for (;;) {
    options.signal?.throwIfAborted()
    position.waitMs = undefined
    yield* oneConnection(connection, options, position)
    const ceiling = ceilings[Math.min(position.failures++, ceilings.length - 1)]!
    await pause(position.waitMs ?? Math.random() * ceiling, options.signal)
  }
}

/** Yields events until the connection is lost; throws errors that reconnecting would not fix. */
async function* oneConnection<Type extends EventType>(
  connection: Connection,
  options: EventOptions<Type>,
  position: Position,
): AsyncGenerator<StreamedEvent<Type>, void, undefined> {
  const abort = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, abort.signal]) : abort.signal
  /** The watchdog runs only while a read is pending: time that the consumer spends on an event is not silence. */
  const watched = async <T>(waited: Promise<T>): Promise<T> => {
    const silence = setTimeout(() => abort.abort(), position.heartbeatSeconds * missedHeartbeats * 1000)
    return waited.finally(() => clearTimeout(silence))
  }
  try {
    const response = await lost(options.signal, position, watched(open(connection, options, position.id, signal)))
    if (!response?.body) return
    const reader = response.body.getReader()
    const decoder = new TextDecoder()
    const parser = new SseParser(position.id)
    let usualRetryMs: number | undefined
    // Reads on demand, so a slow consumer holds one chunk and TCP back-pressure reaches the server.
    for (;;) {
      const piece = await lost(options.signal, position, watched(reader.read()))
      if (!piece || piece.done) break
      for (const { event: type, data, id } of parser.push(decoder.decode(piece.value, { stream: true }))) {
        const event = { type, data: JSON.parse(data), id } as ServerEvent & { id: string }
        if (event.type === 'goodbye') {
          position.waitMs = event.data.reconnect_in_ms
          return
        }
        if (event.type === 'welcome') {
          usualRetryMs = parser.retryMs
          position.failures = 0
          position.heartbeatSeconds = event.data.heartbeat_seconds
        }
        if (event.type !== 'heartbeat') yield event as StreamedEvent<Type>
        // The position advances only after the consumer returns; if it throws, the event is delivered again.
        position.id = id
      }
      position.id = parser.lastEventId
    }
    // A goodbye cut off before its data has still changed `retry:`.
    if (parser.retryMs !== usualRetryMs) position.waitMs = parser.retryMs
  } finally {
    abort.abort()
  }
}

async function open<Type extends EventType>(
  connection: Connection,
  { types, account_id }: EventOptions<Type>,
  lastEventId: string,
  signal: AbortSignal,
): Promise<Response> {
  const query = new URLSearchParams()
  if (types) query.set('types', types.join(','))
  for (const id of [account_id ?? []].flat()) query.append('account_id', id)
  const response = await connection.send({
    method: 'GET',
    path: query.size > 0 ? `/api/dashboard/events?${query}` : '/api/dashboard/events',
    headers: { accept: 'text/event-stream', ...(lastEventId === '' ? {} : { 'last-event-id': lastEventId }) },
    signal,
    // Refusals are waited out in `streamEvents`, which owns the signal and the back-off.
    isRepeatable: false,
  })
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) return response
  throw new Error('the response is not an event stream')
}

/** Returns undefined when this connection is lost and another attempt may follow. */
async function lost<T>(
  signal: AbortSignal | undefined,
  position: Position,
  waited: Promise<T>,
): Promise<T | undefined> {
  try {
    return await waited
  } catch (error) {
    if (signal?.aborted) throw signal.reason
    if (!(error instanceof ProblemError)) return undefined
    if (final.has(error.status)) throw error
    if (error.retryAfter !== undefined) position.waitMs = error.retryAfter * 1000
    return undefined
  }
}
