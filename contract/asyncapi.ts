/** Renders the event stream as an AsyncAPI 3.0 document: one channel, one message for each type of event. */
import type { z } from 'zod'
import { controls, eventsApi, facts, type ServerEvent, states } from './event.ts'
import { type Json, toSchema } from './json-schema.ts'
import type { Scope } from './scope.ts'

type Kind = 'fact' | 'state' | 'control'

const summaries: Record<ServerEvent['type'], string> = {
  client_connected: 'A client was seen for the first time: one principal from one address with one user agent',
  client_disconnected: 'A client was removed: idle, disconnected, or evicted',
  configuration_updated: 'Settings were changed',
  account_added: 'A mail account was connected',
  account_updated: 'A mail account was changed',
  account_removed: 'A mail account was disconnected and deleted',
  account_state_changed: 'The state of a mail account changed',
  quota_changed: 'A mailbox is nearly full, full, or has room again',
  server_started: 'The server started',
  mail_received: 'New mail arrived in a folder',
  mail_changed: 'Flags of messages changed, or known messages came to a folder or left it',
  mail_removed: 'Messages are in no folder any more',
  folder_changed: 'A folder was created, renamed or removed, or its content changed',
  operation_changed: 'An operation on messages was accepted, or has ended',
  draft_created: 'A draft was begun',
  draft_changed: 'A draft was changed, submitted for sending, sent or discarded',
  delivery_changed:
    'A message of the outbox has another state, or something became of one of its recipients or of its copy',
  approval_requested: 'A message waits for a human to approve it',
  approval_decided: 'It was approved or denied, has expired, or was edited or cancelled (`void`)',
  proposal_changed:
    'Items were proposed, applied, declined or withdrawn, have expired, or cannot be applied any more (`void`)',
  freeze_changed: 'A human stopped what a caller, an account or all programs do, or lifted that',
  alert_raised:
    'A rule fires, or the server itself has a problem, until `alert_cleared`. While the database accepts no writes, the fact cannot be stored and is published later; `stats_update` shows it immediately',
  alert_cleared: 'The alert is over',
  webhook_disabled:
    'A webhook was disabled: it accepted nothing for 3 days, answered 410, or its token lost its access',
  token_created: 'An API token was created',
  token_updated: 'An API token was changed, or has a new secret (`changed` names `secret` then)',
  token_revoked: 'An API token was revoked; what it had open is closed',
  user_added: 'A user was invited, or signed in for the first time',
  user_updated: 'The name, role, accounts or state of a user changed',
  user_removed: 'A user was deleted and can no longer sign in',
  sync_progress: 'How far the first indexing of an account has come',
  agent_activity: 'Agents called tools, on accounts that the reader sees; at most every 300 ms',
  permission_prompts: 'Permission prompts of agents that wait for a human are others: list them again',
  conversation_changed: 'An answer of the assistant began, waits for you, or ended; visible only to the same user',
  audit_update: 'The audit trail has grown',
  stats_update: 'Current figures; the newest are also sent right after the welcome',
  welcome: 'The first event of every stream',
  heartbeat: 'The stream is alive, although nothing happens',
  session_changed: 'The reader’s name or rights have changed: fetch the session again',
  gap: 'Facts were missed that cannot be replayed; reload your data',
  goodbye:
    'The last event of a stream, with the time to wait before reconnecting, also as its `retry` field. A stream that ends without it was interrupted',
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
  '`Last-Event-ID` and exactly the missed facts come first. States describe the current situation; controls are about the ' +
  'stream itself. Neither carries an id. Types and fields may be added: ignore unknown ones.'

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
    // The reader’s side of the schema: additional fields are allowed, so adding one later is compatible.
    payload: toSchema(data, 'input', components),
    ...(scope ? { 'x-scope': scope } : {}),
  }
}

function references(prefix: string, named: Json): Record<string, { $ref: string }> {
  return Object.fromEntries(Object.keys(named).map(name => [name, { $ref: prefix + name }]))
}
