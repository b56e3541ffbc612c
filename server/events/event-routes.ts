/** Routes of the event stream, its health and the list of facts, under /api/dashboard/events. */
import { eventsApi } from '../../contract/event.ts'
import type { StreamCall } from '../platform/http/http-front.ts'
import { handleStream } from '../platform/http/http-raw.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import { traceOpening } from '../platform/http/http-tracing.ts'
import type { Caller } from '../platform/principal.ts'
import type { Tracer } from '../platform/tracing/tracer.ts'
import type { EventHub } from './event-hub.ts'
import type { StreamObserver } from './event-stream.ts'
import { parseFilter } from './event-view.ts'

/**
 * Opens the observer that counts a client's streams, supplied by `clients`, a feature above this one. `kick` closes the
 * stream.
 */
export type OpenStreamObserver = (caller: Caller, kick: () => void) => StreamObserver

type OpenedStream = StreamCall<Parameters<typeof parseFilter>[0] & { last_event_id?: string | undefined }>

const head = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
}

export function eventRoutes(
  http: HttpServer,
  { hub, tracer, openObserver }: { hub: EventHub; tracer?: Tracer | undefined; openObserver: OpenStreamObserver },
): void {
  const open = ({ principal, caller, query, header, takeSocket }: OpenedStream) => {
    const filter = parseFilter(query)
    hub.checkRoom(principal)
    const lastEventId = header('last-event-id') ?? query.last_event_id
    const socket = takeSocket()
    const observer = openObserver(caller, () => stream.close('kicked', 15_000))
    const stream = hub.subscribe({ principal, filter, socket, observer, lastEventId })
    socket.uncork()
  }
  const { path } = eventsApi.streamEvents
  handleStream(http, eventsApi.streamEvents, head, call => {
    if (!tracer) return open(call)
    const { principal, header } = call
    const opening = { path, operation: 'events.streamEvents', principalId: principal.id, header }
    traceOpening(tracer, opening, () => open(call))
  })
  handle(http, eventsApi.getStreamHealth, ({ principal }) => hub.healthFor(principal))
  handle(http, eventsApi.listFacts, async ({ principal, query }) => ({
    items: await hub.listFacts(principal, query.limit, query),
  }))
}
