/** `rustymail/client`: a typed client of RustyMail's API for Node and browsers. */
import type { Api } from './api.d.ts'
import { type ClientOptions, Connection } from './connection.ts'
import { type EventOptions, type EventType, type StreamedEvent, streamEvents } from './event-stream.ts'
import { methodsOf } from './methods.ts'
import { paginate } from './paginate.ts'

export type * from './api.d.ts'
export type { CallOptions, KeyedCallOptions, Method } from './call-types.ts'
export type { ClientOptions } from './connection.ts'
export type { EventOptions, EventType, StreamedEvent } from './event-stream.ts'
export type { Download, DownloadOptions, FileContent } from './files.ts'
export { ProblemError } from './problem-error.ts'

export interface Client extends Omit<Api, 'events'> {
  /** Iterates over live events and reconnects as needed. `events.*` are the endpoints that list past events. */
  events: Api['events'] &
    (<Type extends EventType = EventType>(
      options?: EventOptions<Type>,
    ) => AsyncGenerator<StreamedEvent<Type>, void, undefined>)
  /** Iterates over all items of a list: `client.paginate(client.mail.listMessages, { account_id })`. */
  paginate: typeof paginate
}

export function createClient(options: ClientOptions): Client {
  const connection = new Connection(options)
  const methods = methodsOf(connection)
  const events = <Type extends EventType>(wanted: EventOptions<Type> = {}) => streamEvents(connection, wanted)
  return { ...methods, events: Object.assign(events, methods.events), paginate }
}
