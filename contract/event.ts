/** Every server-sent event. Facts happened once and carry an id; states describe the current situation and carry none. */
import { z } from 'zod'
import { Role } from './access.ts'
import { QuotaLevel } from './account-server.ts'
import { AccountError, AccountState } from './accounts.ts'
import { agentStates } from './agents.ts'
import { AlertCleared, AlertRaised } from './alerts.ts'
import { ClientKind } from './clients.ts'
import { conversationStates } from './conversations.ts'
import { endpoint } from './endpoint.ts'
import { Address, MessageRef } from './mail.ts'
import { MessageId, ThreadId } from './mail-index.ts'
import { DashboardStats } from './metrics.ts'
import { OperationCounts, OperationKind, OperationState } from './operation.ts'
import { permissionStates } from './permission-prompts.ts'
import { ProposalNews } from './proposal.ts'
import type { Scope } from './scope.ts'
import { StreamHealth } from './stream-health.ts'
import { SubmissionState } from './submission.ts'
import { announcedSubject } from './text-bounds.ts'
import { AccountId, Limit, Timestamp } from './wire.ts'

const at = Timestamp
const account = { account_id: AccountId, at }
const accountNamed = { ...account, name: z.string(), email: z.string(), is_sandbox: z.boolean() }
const client = {
  client_id: z.string(),
  kind: ClientKind,
  principal: z.string(),
  ip_address: z.string(),
  user_agent: z.string(),
  at,
}

const token = { token_id: z.string(), name: z.string(), user_id: z.string(), at }
const user = { user_id: z.string(), name: z.string(), email: z.string(), role: Role, at }

const onlyInMemory =
  'null where the mail server does not report it; absent in facts read from the database, which holds no mail'

/** Each fact with the scope that may read it. One with `account_id` is seen only by callers that may see that account. */
export const facts = {
  server_started: { scope: 'dashboard:read', data: z.object({ version: z.string(), at }) },
  client_connected: { scope: 'dashboard:read', data: z.object(client) },
  client_disconnected: {
    scope: 'dashboard:read',
    data: z.object({ ...client, reason: z.enum(['idle', 'kicked', 'crowded']) }),
  },
  configuration_updated: {
    scope: 'dashboard:read',
    data: z.object({ changed: z.array(z.string()), principal: z.string(), at }),
  },
  account_added: { scope: 'dashboard:read', data: z.object(accountNamed) },
  account_updated: { scope: 'dashboard:read', data: z.object({ ...accountNamed, changed: z.array(z.string()) }) },
  account_removed: { scope: 'dashboard:read', data: z.object(accountNamed) },
  account_state_changed: {
    scope: 'dashboard:read',
    data: z.object({
      ...account,
      name: z.string(),
      state: AccountState,
      previous: AccountState,
      last_error: AccountError.nullable(),
      next_retry_at: Timestamp.nullable(),
    }),
  },
  quota_changed: {
    scope: 'dashboard:read',
    data: z.object({
      ...account,
      level: QuotaLevel,
      percent: z.int().nullable().describe('Usage of the resource nearest to its limit; null if nothing is limited'),
      used_bytes: z.int().nullable(),
      limit_bytes: z.int().nullable().describe('null if the mail server limits only the number of messages'),
    }),
  },
  mail_received: {
    scope: 'mail:meta',
    data: z.object({
      ...account,
      folder: z.string(),
      uid: z.int(),
      uid_validity: z.int(),
      ref: MessageRef.optional().describe('Reference for the mail API; absent in facts of an earlier version'),
      id: MessageId.optional().describe('In an indexed account: id, stable across moves'),
      thread_id: ThreadId.optional().describe('Present with `id`'),
      first_contact: z
        .boolean()
        .optional()
        .describe('Present with `id` for a completely indexed account: no earlier message is from this sender'),
      from: Address.nullable().optional().describe(`The first sender; ${onlyInMemory}`),
      subject: z
        .string()
        .max(announcedSubject)
        .nullable()
        .optional()
        .describe(`Truncated to 300 characters; ${onlyInMemory}`),
    }),
  },
  mail_changed: {
    scope: 'mail:meta',
    data: z.object({
      ...account,
      folder: z.string(),
      messages: z
        .array(
          z.object({
            id: MessageId,
            thread_id: ThreadId,
            uid: z.int(),
            flags: z.array(z.string()).nullable().describe('As on the mail server; null if it left the folder'),
            size_bytes: z.int(),
          }),
        )
        .max(50),
    }),
  },
  mail_removed: {
    scope: 'mail:meta',
    data: z.object({
      ...account,
      messages: z.array(z.object({ id: MessageId, thread_id: ThreadId })).max(50),
    }),
  },
  folder_changed: {
    scope: 'mail:meta',
    data: z.object({
      ...account,
      folder: z.string(),
      event: z
        .enum(['created', 'renamed', 'gone', 'cleared', 'changed'])
        .describe('`cleared`: the folder has a new UIDVALIDITY; its previous content is gone'),
      old_path: z.string().optional().describe('Only with `renamed`'),
      added: z.int(),
      changed: z.int(),
      removed: z.int(),
      total: z.int().describe('Indexed messages'),
      unread: z.int(),
      modseq: z.int().describe('Number of the change within the account, as in `state` of the list of changes'),
      merged: z
        .array(z.object({ from: ThreadId, into: ThreadId }))
        .optional()
        .describe('Threads that were merged into others'),
    }),
  },
  operation_changed: {
    scope: 'mail:meta',
    data: z.object({
      ...account,
      operation_id: z.string(),
      kind: OperationKind,
      state: OperationState,
      counts: OperationCounts,
      undo_of: z.string().nullable().describe('The operation that this one undoes'),
    }),
  },
  draft_created: {
    scope: 'mail:draft',
    data: z.object({ ...account, draft_id: z.string(), rev: z.int(), principal: z.string() }),
  },
  draft_changed: {
    scope: 'mail:draft',
    data: z.object({
      ...account,
      draft_id: z.string(),
      rev: z.int(),
      state: z.enum(['open', 'submitted', 'sent', 'discarded']),
      principal: z.string(),
    }),
  },
  delivery_changed: {
    scope: 'mail:meta',
    data: z.object({
      ...account,
      submission_id: z.string(),
      draft_id: z.string(),
      principal: z.string().describe('Id of the sending principal'),
      state: SubmissionState,
      attempts: z.int(),
      accepted: z.int().describe('Recipients that the mail server accepted'),
      refused: z.int(),
      bounced: z.int(),
      sent_copy: z.enum(['none', 'waiting', 'saved', 'by_provider', 'failed']),
    }),
  },
  approval_requested: {
    scope: 'mail:draft',
    data: z.object({
      ...account,
      approval_id: z.string(),
      submission_id: z.string(),
      principal: z.string().describe('Id of the requesting principal'),
      principal_name: z.string(),
      recipients: z.int(),
      expires_at: Timestamp,
    }),
  },
  approval_decided: {
    scope: 'mail:draft',
    data: z.object({
      ...account,
      approval_id: z.string(),
      submission_id: z.string(),
      state: z.enum(['approved', 'denied', 'expired', 'void']),
      by: z.string().nullable().describe('The user who decided'),
    }),
  },
  proposal_changed: { scope: 'mail:meta', data: ProposalNews },
  freeze_changed: {
    scope: 'dashboard:read',
    data: z.object({
      freeze_id: z.string(),
      target: z.enum(['principal', 'account', 'everything']),
      is_frozen: z.boolean(),
      reads: z.enum(['allow', 'stop']),
      by: z.string(),
      at,
    }),
  },
  alert_raised: { scope: 'dashboard:read', data: AlertRaised },
  alert_cleared: { scope: 'dashboard:read', data: AlertCleared },
  webhook_disabled: {
    scope: 'dashboard:read',
    data: z.object({
      webhook_id: z.string(),
      name: z.string(),
      principal: z.string().describe('Id of the webhook’s principal'),
      user_id: z
        .string()
        .nullable()
        .optional()
        .describe(
          'Owner of that token; null for tokens without a user and the API key. Absent in facts of an earlier version',
        ),
      why: z.enum(['failed', 'gone', 'forbidden']),
      detail: z.string(),
      at,
    }),
  },
  token_created: { scope: 'dashboard:admin', data: z.object(token) },
  token_updated: { scope: 'dashboard:admin', data: z.object({ ...token, changed: z.array(z.string()) }) },
  token_revoked: { scope: 'dashboard:admin', data: z.object(token) },
  user_added: { scope: 'dashboard:admin', data: z.object(user) },
  user_updated: { scope: 'dashboard:admin', data: z.object({ ...user, changed: z.array(z.string()) }) },
  user_removed: { scope: 'dashboard:admin', data: z.object(user) },
} as const satisfies Record<string, { scope: Scope; data: z.ZodType }>

export const states = {
  sync_progress: {
    scope: 'mail:meta',
    data: z.object({
      account_id: AccountId,
      phase: z
        .enum(['comparing', 'headers', 'texts', 'done', 'stopped'])
        .describe('`comparing`: folders are compared; `done` and `stopped` end a run'),
      folder: z.string().nullable().describe('The folder being read'),
      done: z.int().describe('Number of folders, headers or texts processed'),
      total: z.int().describe('Number known so far; may increase'),
      at,
    }),
  },
  audit_update: {
    scope: 'dashboard:admin',
    data: z.object({ newest: z.int().describe('Number of the newest entry of the audit trail') }),
  },
  stats_update: { scope: 'dashboard:read', data: DashboardStats },
  ...agentStates,
  ...permissionStates,
  ...conversationStates,
} as const satisfies Record<string, { scope: Scope; data: z.ZodType }>

/** Controls: events about the stream itself. */
export const controls = {
  welcome: z.object({
    client_id: z.string(),
    epoch: z.string(),
    server_time: Timestamp,
    resumed: z.boolean(),
    replayed: z.int(),
    heartbeat_seconds: z.number(),
  }),
  heartbeat: z.object({ server_time: Timestamp }),
  session_changed: z.object({ server_time: Timestamp }),
  gap: z.object({
    reason: z.enum(['expired', 'unknown_epoch', 'malformed']),
    oldest_id: z.string().nullable(),
    newest_id: z.string().nullable(),
  }),
  goodbye: z.object({
    reason: z.enum(['shutdown', 'slow_consumer', 'revoked', 'kicked', 'max_age']),
    reconnect_in_ms: z
      .int()
      .describe('Milliseconds to wait; the `retry` field of the same event repeats it for EventSource'),
  }),
} as const

export type FactType = keyof typeof facts
/** States with `account_id` are sent per account, to callers that may see it. */
export type StateType = keyof typeof states
export type SyncState = z.infer<(typeof states)['sync_progress']['data']>
export type ControlType = keyof typeof controls
export type Fact = { [T in FactType]: { type: T; data: z.infer<(typeof facts)[T]['data']> } }[FactType]
export type State = { [T in StateType]: { type: T; data: z.infer<(typeof states)[T]['data']> } }[StateType]
export type Control = { [T in ControlType]: { type: T; data: z.infer<(typeof controls)[T]> } }[ControlType]
export type ServerEvent = Fact | State | Control
export type EventOf<T extends ServerEvent['type']> = Extract<ServerEvent, { type: T }>

export const factTypes = Object.keys(facts) as FactType[]
export const stateTypes = Object.keys(states) as StateType[]

/** A fact with its id on the stream. */
const LoggedFact = z
  .object({
    id: z.string(),
    type: z.enum(factTypes as [FactType, ...FactType[]]),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'LoggedFact' })
export type LoggedFact = z.infer<typeof LoggedFact>

const list = z.union([z.string(), z.array(z.string())])

export const eventsApi = {
  streamEvents: endpoint({
    method: 'GET',
    path: '/api/dashboard/events',
    tag: 'Events',
    summary: 'The event stream (server-sent events)',
    scope: 'signed_in',
    effect: 'read',
    query: z.strictObject({
      types: list.optional().describe('Comma-separated event types; default: all that the caller may see'),
      account_id: list.optional().describe('Only facts of these accounts, and facts of no account; repeatable'),
      last_event_id: z
        .string()
        .max(100)
        .optional()
        .describe('For clients that cannot set `Last-Event-ID`; the header wins'),
    }),
    headers: [
      {
        name: 'Last-Event-ID',
        description:
          'The id of the last event read: missed facts are sent first. Takes precedence over `last_event_id`',
        example: 'k3f9-1042',
      },
    ],
    response: z.string(),
    problems: ['too_many_streams'],
    stream: 'always',
    uncounted: true,
  }),
  getStreamHealth: endpoint({
    method: 'GET',
    path: '/api/dashboard/streams',
    tag: 'Events',
    summary: 'Get the health of all event streams: count, volume, rate and errors',
    scope: 'dashboard:read',
    effect: 'read',
    response: StreamHealth,
  }),
  listFacts: endpoint({
    method: 'GET',
    path: '/api/dashboard/facts',
    tag: 'Events',
    summary:
      'List the newest facts that the caller may see: administrative ones of the whole log, others as far as they are in memory',
    scope: 'signed_in',
    effect: 'read',
    query: z.strictObject({
      limit: Limit,
      types: list.optional().describe('Comma-separated types of facts; default: all that the caller may see'),
      account_id: list.optional().describe('Only facts of these accounts; repeatable'),
      before: z.string().max(100).optional().describe('Only facts older than the one with this id'),
    }),
    response: z.object({ items: z.array(LoggedFact) }),
  }),
}
