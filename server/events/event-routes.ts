/** GET /api/dashboard/events. */
import { eventsApi } from '../../contract/event.ts'
import { type HttpServer, handle } from '../platform/http-server.ts'
import type { Caller } from '../platform/principal.ts'
import type { EventHub } from './event-hub.ts'
import type { StreamObserver } from './event-stream.ts'
import { parseFilter } from './event-view.ts'

/** Counts the streams of each client; kept by `clients`, which stands above us. `kick` closes the stream. */
export type OpenStreamObserver = (caller: Caller, kick: () => void) => StreamObserver

const head = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
}

export function eventRoutes(http: HttpServer, hub: EventHub, openObserver: OpenStreamObserver): void {
  handle(http, eventsApi.streamEvents, call => {
    const filter = parseFilter(call.query)
    hub.checkRoom(call.principal)
    const lastEventId = call.header('last-event-id') ?? call.query.last_event_id
    if (call.method === 'HEAD') {
      call.takeResponse().writeHead(200, head).end()
      return undefined as never
    }
    const { principal } = call
    const socket = call.takeSocket(head)
    const observer = openObserver(call.caller, () => stream.close('kicked', 15_000))
    const stream = hub.subscribe({ principal, filter, socket, observer, lastEventId })
    socket.uncork()
    return undefined as never
  })
  handle(http, eventsApi.getStreamHealth, () => hub.health)
  handle(http, eventsApi.listFacts, ({ principal, query }) => ({ items: hub.listFacts(principal, query.limit) }))
}
