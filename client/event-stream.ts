/** The event stream as one iterator that outlives its connections: it reconnects, resumes, and waits as the server asks. */

import type { Control, Fact, ServerEvent, State } from './api.d.ts'
import { type Connection, pause } from './connection.ts'
import { ProblemError } from './problem-error.ts'
import { SseParser } from './sse-parser.ts'

export type EventType = (Fact | State)['type']
/** Heartbeats and goodbyes are answered here. */
type Shown<Event extends ServerEvent> = Exclude<Event, { type: 'heartbeat' | 'goodbye' }>
/** What comes whatever types were asked for. */
type Always = Shown<Control>['type']

/** An event and the position after it: with it as `lastEventId` a later program goes on from here. */
export type StreamedEvent<Type extends EventType = EventType> = Extract<Shown<ServerEvent>, { type: Type | Always }> & {
  id: string
}

export interface EventOptions<Type extends EventType = EventType> {
  /** Only these facts and states; all that the token may see unless given. */
  types?: readonly Type[] | undefined
  /** Only facts of these accounts, and facts of no account. */
  account_id?: string | readonly string[] | undefined
  /** The `id` of the last event that an earlier program had done with. */
  lastEventId?: string | undefined
  /** Ends the iteration: it throws the reason. */
  signal?: AbortSignal | undefined
}

/** A retry changes nothing about these. */
const final = new Set([400, 401, 403, 404])
const ceilings = [1_000, 2_000, 4_000, 8_000, 15_000] as const
/** Until a welcome says otherwise. */
const usualHeartbeatSeconds = 15
/** So many heartbeats without a byte, and the connection is dead. */
const missedHeartbeats = 3

/** What one connection leaves to the next. */
interface Position {
  id: string
  /** Connections since the last welcome that ended without a word about when to come back. */
  failures: number
  /** How long the server asked to wait. */
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

/** Ends when the connection is lost, and throws what another one would not change. */
async function* oneConnection<Type extends EventType>(
  connection: Connection,
  options: EventOptions<Type>,
  position: Position,
): AsyncGenerator<StreamedEvent<Type>, void, undefined> {
  const abort = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, abort.signal]) : abort.signal
  /** Only while we wait: time that the program takes for an event is not silence of the server. */
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
    // No more is read than was used: a slow program holds one piece of the stream, and the server hears of it by TCP.
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
        // Only now is the event done with: what breaks before is delivered again.
        position.id = id
      }
      position.id = parser.lastEventId
    }
    // A goodbye that was cut off had said so before.
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
    // Refusals wait out here, where a caller's signal and the back-off are.
    isRepeatable: false,
  })
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) return response
  throw new Error('a page in place of the event stream')
}

/** Undefined when this connection is over and another may follow. */
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
