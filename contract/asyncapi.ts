/** Renders the event stream as an AsyncAPI 3.0 document: one channel, one message for each type of event. */
import type { z } from 'zod'
import { controls, eventsApi, facts, type ServerEvent, states } from './event.ts'
import { type Json, toSchema } from './json-schema.ts'
import type { Scope } from './scope.ts'

type Kind = 'fact' | 'state' | 'control'

const summaries: Record<ServerEvent['type'], string> = {
  client_connected: 'Somebody was seen for the first time: one principal from one address with one user agent',
  client_disconnected: 'A client was forgotten: idle, sent away, or to make room for others',
  configuration_updated: 'Settings were changed',
  account_added: 'A mail account was connected',
  account_updated: 'A mail account was changed',
  account_removed: 'A mail account was disconnected and forgotten',
  account_state_changed: 'How a mail account fares has changed',
  server_started: 'The server started',
  mail_received: 'New mail came into a folder',
  alert_raised:
    'Something is wrong with the server itself, until `alert_cleared`. While the database takes no writes the fact cannot be stored, and comes when it can be; `stats_update` tells it at once',
  alert_cleared: 'It is well again',
  token_created: 'An API token was made',
  token_updated: 'An API token was changed, or has a new secret (`changed` names `secret` then)',
  token_revoked: 'An API token was revoked; what it had open is closed',
  user_added: 'Somebody was invited, or came for the first time',
  user_updated: 'The name, role, accounts or state of somebody changed',
  user_removed: 'Somebody may no longer sign in, and is forgotten',
  audit_update: 'The audit trail has grown',
  stats_update: 'All figures now; the newest also comes right after the welcome',
  welcome: 'The first event of every stream',
  heartbeat: 'The stream is alive, though nothing happens',
  session_changed: 'What the reader is called, or may do and see, is another from now on: ask for the session again',
  gap: 'Facts were missed that cannot be sent; reload what you show',
  goodbye:
    'The last event of a stream, with the time to wait before coming back, also as its `retry` field. A stream that ends without it was cut',
}

export function renderAsyncApi(info: { title: string; version: string }): Json {
  const components: Json = {}
  const ofKind = (kind: Kind, types: Record<string, { scope?: Scope; data: z.ZodType }>) =>
    Object.entries(types).map(
      ([type, { scope, data }]) => [type, message(type, kind, scope, data, components)] as const,
    )
  const messages = Object.fromEntries([
    ...ofKind('fact', facts),
    ...ofKind('state', states),
    ...ofKind('control', Object.fromEntries(Object.entries(controls).map(([type, data]) => [type, { data }]))),
  ])
  const { path, method, query, summary } = eventsApi.streamEvents
  const channel = '#/channels/events'
  const schemes = {
    bearer: { type: 'http', scheme: 'bearer' },
    api_key: { type: 'httpApiKey', in: 'header', name: 'X-API-Key' },
    session: { type: 'httpApiKey', in: 'cookie', name: 'rustymail_session' },
  }
  return {
    asyncapi: '3.0.0',
    info: { ...info, description: 'The event stream of RustyMail. The endpoints are described in /openapi.json.' },
    defaultContentType: 'application/json',
    channels: {
      events: { address: path, summary, description, messages: references('#/components/messages/', messages) },
    },
    operations: {
      streamEvents: {
        action: 'send',
        channel: { $ref: channel },
        summary: 'The server sends; a client opens the stream and reads',
        messages: Object.values(references(`${channel}/messages/`, messages)),
        security: Object.values(references('#/components/securitySchemes/', schemes)),
        bindings: { http: { method, query: query && toSchema(query, 'input', components), bindingVersion: '0.3.0' } },
      },
    },
    components: { messages, schemas: components, securitySchemes: schemes },
  }
}

const description =
  'Server-sent events (WHATWG HTML, section 9.2). The headers of a message are the fields of its frame, and its payload is ' +
  '`data`, JSON on one line. Facts happened once and carry `id: <epoch>-<number>`; send the last one back as ' +
  '`Last-Event-ID` and exactly what was missed comes first. States tell how things are now; controls speak of the ' +
  'stream itself. Neither carries an id. Types and fields may be added: ignore what you do not know.'

function message(type: string, kind: Kind, scope: Scope | undefined, data: z.ZodType, components: Json): Json {
  const event = { type: 'string', const: type }
  const id = { type: 'string', pattern: '^[a-z0-9]{1,32}-[1-9][0-9]{0,14}$' }
  const isFact = kind === 'fact'
  return {
    name: type,
    summary: summaries[type as ServerEvent['type']],
    tags: [{ name: kind }],
    headers: {
      type: 'object',
      properties: isFact ? { id, event } : { event },
      required: isFact ? ['id', 'event'] : ['event'],
    },
    // As a reader sees it: a field that is added later breaks nobody.
    payload: toSchema(data, 'input', components),
    ...(scope ? { 'x-scope': scope } : {}),
  }
}

function references(prefix: string, named: Json): Record<string, { $ref: string }> {
  return Object.fromEntries(Object.keys(named).map(name => [name, { $ref: prefix + name }]))
}
