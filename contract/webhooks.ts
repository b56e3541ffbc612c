/** Webhooks: events delivered to programs by signed requests (Standard Webhooks), each webhook with a cursor in the event log. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { type FactType, factTypes } from './event.ts'
import { maxSearchLength } from './mail.ts'
import { AccountId, GivenTime, line, Timestamp, typedLine } from './wire.ts'

/** Bounds of webhooks; `answer` and `body` in bytes. */
export const webhookBounds = {
  perPrincipal: 50,
  inAll: 1_000,
  accounts: 1_000,
  deliveries: 50,
  body: 8 * 1024,
  answer: 1024,
} as const

export const WebhookType = z.enum(factTypes as unknown as readonly [FactType, ...FactType[]])

export const WebhookState = z
  .enum(['active', 'failing', 'disabled'])
  .describe('`failing`: the latest attempt failed and is retried; `disabled`: nothing is delivered until it is enabled')

export const WebhookFaultName = z.enum([
  'connection_refused',
  'timeout',
  'tls_error',
  'http_4xx',
  'http_5xx',
  'challenge_failed',
])

const EventId = z
  .string()
  .regex(/^(evt_)?[a-z0-9]{1,32}-(0|[1-9]\d{0,14})$/, 'is not the id of an event')
  .describe('Id of an event, as `webhook-id` or on the event stream')
  .meta({ examples: ['evt_7x2k9q-1042'] })

const url = line
  .min(9)
  .max(2_000)
  .describe('`https://`, without credentials and fragment')
  .meta({ examples: ['https://example.com/hooks/mail'] })
const name = typedLine
  .trim()
  .min(1)
  .max(100)
  .meta({ examples: ['Invoices'] })
const types = z
  .array(WebhookType)
  .max(factTypes.length)
  .describe('Types of facts to deliver; all that its token may read if empty')
  .meta({ examples: [['mail_received']] })
const accounts = z
  .array(AccountId)
  .max(webhookBounds.accounts)
  .describe('Only facts of these accounts; of all that its token may see if empty')
  .meta({ examples: [[]] })
const query = line
  .min(1)
  .max(maxSearchLength)
  .nullable()
  .describe('Search query (as `q`) that filters `mail_received`. Mail of accounts without an index never matches')
  .meta({ examples: ['from:billing@example.com has:attachment'] })

const order = z
  .enum(['endpoint', 'account'])
  .describe(
    '`endpoint`: a failing event blocks all later ones; `account`: only those of its account, for up to 50 accounts, while the endpoint can be reached',
  )

export const Webhook = z
  .object({
    id: z.string(),
    name: z.string(),
    url: z.string(),
    principal: z
      .object({ kind: z.enum(['token', 'api_key']), id: z.string() })
      .describe('The principal whose rights decide what is delivered'),
    types: z.array(WebhookType),
    accounts: z.array(z.string()),
    query: z.string().nullable(),
    order,
    state: WebhookState,
    disabled: z
      .object({
        why: z
          .enum(['asked', 'failed', 'gone', 'forbidden'])
          .describe('`failed`: no delivery succeeded for 3 days; `gone`: the endpoint answered 410'),
        detail: z.string(),
      })
      .nullable(),
    place: z.string().describe('Cursor: id of the last event that was delivered, given up, or filtered out'),
    behind: z.int().describe('Number of later events in the log'),
    failures: z.int().describe('Consecutive failures'),
    failing_since: Timestamp.nullable(),
    next_try_at: Timestamp.nullable(),
    last_success_at: Timestamp.nullable(),
    last_fault: WebhookFaultName.nullable(),
    previous_secret_until: Timestamp.nullable().describe('The previous secret also signs until then'),
    waiting: z
      .array(
        z.object({
          account_id: z.string().nullable().describe('Null for events of no account'),
          behind: z.int().describe('Number of events in the log after the account’s last delivered one'),
          failures: z.int().describe('Consecutive failures'),
          failing_since: Timestamp.nullable(),
          next_try_at: Timestamp.nullable(),
          last_fault: WebhookFaultName.nullable(),
        }),
      )
      .describe(
        'With `order` `account`: accounts whose events wait, while those of others are delivered; events of no account are one such queue',
      ),
    created_at: Timestamp,
  })
  .meta({ id: 'Webhook' })
export type Webhook = z.infer<typeof Webhook>

const WithSecret = z
  .object({ webhook: Webhook, secret: z.string().describe('`whsec_…`: verifies signatures; shown only once') })
  .meta({ id: 'WebhookWithSecret' })

export const WebhookDelivery = z
  .object({
    id: z.string().describe('The `webhook-id`; the same at each attempt'),
    type: z.string(),
    at: Timestamp,
    duration_ms: z.int(),
    outcome: z.enum(['delivered', 'retried', 'abandoned', 'gone']),
    fault: WebhookFaultName.nullable(),
    request: z.object({
      headers: z.record(z.string(), z.string()).describe('Without the signature'),
      body: z.string().describe('Truncated to 8 KiB'),
    }),
    response: z
      .object({
        status: z.int(),
        body: z
          .string()
          .nullable()
          .describe(
            'Truncated to 1 KiB, without what looks like a secret; null if it came from a private address and you are not an administrator',
          ),
      })
      .nullable()
      .describe('null without a response'),
  })
  .meta({ id: 'WebhookDelivery' })
export type WebhookDelivery = z.infer<typeof WebhookDelivery>

const params = z.object({
  webhook_id: z
    .string()
    .regex(/^hook_[0-9a-f]{24}$/, 'is not the id of a webhook')
    .meta({ examples: ['hook_0123456789abcdef01234567'] }),
})
const shared = { tag: 'Webhooks', scope: 'signed_in' } as const
const one = '/api/v1/webhooks/{webhook_id}'
const missing = ['webhook_not_found'] as const
const filter = {
  types: types.default([]),
  accounts: accounts.default([]),
  query: query.default(null),
  order: order.default('endpoint'),
}

export const webhooksApi = {
  listWebhooks: endpoint({
    ...shared,
    method: 'GET',
    path: '/api/v1/webhooks',
    summary: 'List webhooks: of this token, of your tokens, or all for an administrator',
    effect: 'read',
    response: z.object({ items: z.array(Webhook) }),
  }),
  createWebhook: endpoint({
    ...shared,
    method: 'POST',
    path: '/api/v1/webhooks',
    summary: 'Create a webhook; its secret is only in this response',
    description:
      'It delivers what its token may read on the event stream, at least once, in order, from now on. It ends when the token is revoked. A token creates webhooks of its own; a user names one of their tokens.',
    effect: 'write',
    limit: 'access',
    body: z.strictObject({
      name,
      url,
      ...filter,
      token_id: z
        .string()
        .min(1)
        .max(40)
        .optional()
        .describe('Id of one of your tokens; required with a session, and only then')
        .meta({ examples: ['3f9a1c0b7d2e4f58'] }),
    }),
    response: WithSecret,
    status: 201,
    problems: ['token_not_found', 'account_not_found', 'too_many_webhooks'],
  }),
  getWebhook: endpoint({
    ...shared,
    method: 'GET',
    path: one,
    summary: 'Get a webhook and the state of its delivery',
    effect: 'read',
    params,
    response: Webhook,
    problems: missing,
  }),
  changeWebhook: endpoint({
    ...shared,
    method: 'PATCH',
    path: one,
    summary: 'Change the address or filters of a webhook; it keeps its cursor',
    effect: 'write',
    limit: 'access',
    params,
    body: z.strictObject({
      name: name.optional(),
      url: url.optional(),
      types: types.optional(),
      accounts: accounts.optional(),
      query: query.optional(),
      order: order.optional(),
    }),
    response: Webhook,
    problems: ['webhook_not_found', 'account_not_found'],
  }),
  deleteWebhook: endpoint({
    ...shared,
    method: 'DELETE',
    path: one,
    summary: 'Delete a webhook',
    effect: 'destroy',
    isRevocation: () => true,
    limit: 'access',
    params,
    response: z.undefined(),
    status: 204,
    problems: missing,
  }),
  rotateWebhookSecret: endpoint({
    ...shared,
    method: 'POST',
    path: `${one}/rotate`,
    summary: 'Rotate the secret; the old one is also used for a time',
    effect: 'write',
    limit: 'access',
    params,
    body: z.strictObject({
      keep_minutes: z
        .int()
        .min(0)
        .max(7 * 24 * 60)
        .default(24 * 60)
        .describe('How long requests are also signed with the old secret; 0 ends it now')
        .meta({ examples: [1440] }),
    }),
    response: WithSecret,
    problems: missing,
  }),
  testWebhook: endpoint({
    ...shared,
    method: 'POST',
    path: `${one}/test`,
    summary: 'Send a test event of type `test` immediately, outside the queue',
    effect: 'write',
    limit: 'access',
    params,
    response: WebhookDelivery,
    problems: missing,
  }),
  replayWebhook: endpoint({
    ...shared,
    method: 'POST',
    path: `${one}/replay`,
    summary: 'Replay all events after an event or a time, with the same ids',
    description: 'Events no longer in the log are left out: `place` says where the replay begins.',
    effect: 'write',
    limit: 'access',
    params,
    body: z
      .strictObject({
        after: EventId.optional(),
        from: GivenTime.optional()
          .describe('Replay events from this time on')
          .meta({ examples: ['2026-11-29T08:00:00.000Z'] }),
      })
      .refine(
        ({ after, from }) => (after === undefined) !== (from === undefined),
        'must have exactly one of after, from',
      )
      .meta({ examples: [{ after: 'evt_7x2k9q-1042' }] }),
    response: Webhook,
    problems: missing,
  }),
  disableWebhook: endpoint({
    ...shared,
    method: 'POST',
    path: `${one}/disable`,
    summary: 'Disable a webhook; it keeps its cursor',
    effect: 'write',
    limit: 'access',
    params,
    response: Webhook,
    problems: missing,
  }),
  enableWebhook: endpoint({
    ...shared,
    method: 'POST',
    path: `${one}/enable`,
    summary: 'Enable a webhook, which resumes where it was disabled, or retry a failing one immediately',
    effect: 'write',
    limit: 'access',
    params,
    response: Webhook,
    problems: missing,
  }),
  listWebhookDeliveries: endpoint({
    ...shared,
    method: 'GET',
    path: `${one}/deliveries`,
    summary: 'List the latest attempts with request and response, newest first; memory holds 50 of each webhook',
    effect: 'read',
    params,
    response: z.object({ items: z.array(WebhookDelivery) }),
    problems: missing,
  }),
}
