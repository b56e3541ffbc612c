/** Notifiers: the channels that deliver alerts to people. Addresses with tokens, and other secrets, are write-only. */
import { z } from 'zod'
import { MailServer, MailServerInput } from './accounts.ts'
import { AlertSeverity } from './alerts.ts'
import { endpoint } from './endpoint.ts'
import { AccountId, line, secret, Timestamp, typedLine } from './wire.ts'

/** Bounds of notifiers: `answer` in characters; `items` are alerts named in one notice. */
export const notifierBounds = {
  notifiers: 50,
  recipients: 20,
  rules: 200,
  accounts: 200,
  deliveries: 100,
  answer: 1_000,
  items: 20,
  perHour: 60,
  hoursTried: 24,
} as const

export const notifierKinds = ['email', 'webhook', 'ntfy', 'slack', 'discord', 'teams', 'telegram', 'web_push'] as const
export const NotifierKind = z.enum(notifierKinds)
export type NotifierKind = z.infer<typeof NotifierKind>

const address = z.email('is not an email address').max(254)
const recipients = z.array(address).min(1).max(notifierBounds.recipients)
const server = line.min(9).max(500)
const hookUrl = secret(line.min(9).max(2_000))
  .optional()
  .describe('The complete address; required for a new notifier, unchanged if omitted')
const chat_id = line
  .min(1)
  .max(64)
  .describe('Id of a chat (`-1001234567890`), or `@name` of a channel')
  .meta({ examples: ['-1001234567890'] })
const user_ids = z.array(z.string().min(1).max(60)).min(1).max(notifierBounds.recipients)

export const NotifierTargetInput = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('email'),
      to: recipients.meta({ examples: [['ops@example.org']] }),
      account_id: AccountId.nullable().default(null).describe('The sending account of RustyMail'),
      smtp: MailServerInput.nullable().default(null).describe('The SMTP server, if no account sends'),
      from: address.nullable().default(null).describe('The sender; required with `smtp`'),
    }),
    z.strictObject({
      kind: z.literal('webhook'),
      url: hookUrl,
      secret: secret(line.min(30).max(100))
        .optional()
        .describe('Signing secret: `whsec_` and base64 of 24 to 64 bytes; generated unless given'),
    }),
    z.strictObject({
      kind: z.literal('ntfy'),
      server: server.default('https://ntfy.sh').meta({ examples: ['https://ntfy.sh'] }),
      topic: secret(
        z.string().regex(/^[-_A-Za-z0-9]{1,64}$/, 'must be letters, digits, - and _, at most 64'),
      ).optional(),
      token: secret(line.max(200)).optional().describe('An access token, if the topic is protected; empty for none'),
    }),
    z.strictObject({ kind: z.literal('slack'), url: hookUrl }),
    z.strictObject({ kind: z.literal('discord'), url: hookUrl }),
    z.strictObject({ kind: z.literal('teams'), url: hookUrl }),
    z.strictObject({
      kind: z.literal('telegram'),
      server: server.default('https://api.telegram.org').meta({ examples: ['https://api.telegram.org'] }),
      bot_token: secret(
        z.string().regex(/^\d{1,20}:[A-Za-z0-9_-]{20,100}$/, 'is not a bot token, such as 123456:ABC-DEF'),
      ).optional(),
      chat_id,
    }),
    z.strictObject({
      kind: z.literal('web_push'),
      user_ids: user_ids.describe('Users whose browsers are notified: those that they subscribed in their profile'),
    }),
  ])
  .describe('Destination of the notices')
export type NotifierTargetInput = z.infer<typeof NotifierTargetInput>

const host = z.string().describe('Host of the address; the rest is secret')
export const NotifierTarget = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('email'),
      to: z.array(z.string()),
      account_id: z.string().nullable(),
      smtp: MailServer.nullable(),
      from: z.string().nullable(),
    }),
    z.object({ kind: z.literal('webhook'), host }),
    z.object({ kind: z.literal('ntfy'), server: z.string(), has_token: z.boolean() }),
    z.object({ kind: z.literal('slack'), host }),
    z.object({ kind: z.literal('discord'), host }),
    z.object({ kind: z.literal('teams'), host }),
    z.object({ kind: z.literal('telegram'), server: z.string(), chat_id: z.string() }),
    z.object({ kind: z.literal('web_push'), user_ids: z.array(z.string()) }),
  ])
  .meta({ id: 'NotifierTarget' })
export type NotifierTarget = z.infer<typeof NotifierTarget>

const notifier_id = z
  .string()
  .regex(/^n[0-9a-z]{16}$/, 'is not the id of a notifier')
  .meta({ examples: ['n0mk2v7q1abcd1234'] })

const routing = {
  name: typedLine
    .trim()
    .min(1)
    .max(100)
    .meta({ examples: ['Team chat'] }),
  enabled: z.boolean().default(true),
  min_severity: AlertSeverity.default('warning').describe('Alerts of this severity and above'),
  rule_ids: z
    .array(z.string().min(1).max(60))
    .max(notifierBounds.rules)
    .default([])
    .describe('Only alerts of these rules; all if empty')
    .meta({ examples: [['starter-account-away']] }),
  account_ids: z
    .array(AccountId)
    .max(notifierBounds.accounts)
    .default([])
    .describe('Only alerts about these accounts; all alerts if empty'),
  tells_cleared: z.boolean().default(true).describe('Also report the end of an alert whose start was reported'),
  only_escalations: z.boolean().default(false).describe('It receives only what other notifiers escalate'),
  group_seconds: z
    .int()
    .min(0)
    .max(3_600)
    .default(60)
    .describe('How long further alerts of a rule are collected after a notice about it'),
  repeat_minutes: z
    .int()
    .min(0)
    .max(7 * 24 * 60)
    .default(240)
    .describe('Interval at which unacknowledged firing alerts are reported again; 0 for never'),
  escalate: z
    .strictObject({
      notifier_id,
      after_minutes: z
        .int()
        .min(1)
        .max(24 * 60),
    })
    .nullable()
    .default(null)
    .describe(
      'Another notifier that receives alerts not acknowledged for this long, and those that this one could not deliver',
    ),
}

export const NotifierBody = z.strictObject({ ...routing, target: NotifierTargetInput }).meta({ id: 'NotifierBody' })
export type NotifierBody = z.infer<typeof NotifierBody>
export type NotifierRouting = Omit<NotifierBody, 'target'>

export const Notifier = z
  .object({
    ...routing,
    name: z.string(),
    id: z.string(),
    target: NotifierTarget,
    changed_at: Timestamp,
    changed_by: z.string(),
    waiting: z.int().describe('Number of undelivered notices'),
    next_try_at: Timestamp.nullable(),
    failing_since: Timestamp.nullable(),
    last_fault: z.string().nullable(),
    last_success_at: Timestamp.nullable(),
    warnings: z
      .array(
        z.object({
          code: z
            .enum(['accounts_untold'])
            .describe(
              'Accounts whose alerts reach no one: this notifier mails from that account, or only to it, and no other notifier covers it',
            ),
          detail: z.string(),
          account_ids: z.array(z.string()).describe(`At most ${notifierBounds.accounts}`),
        }),
      )
      .describe('Reasons why it cannot report what it is configured for'),
  })
  .meta({ id: 'Notifier' })
export type Notifier = z.infer<typeof Notifier>

export const NoticeReason = z
  .enum(['alerts', 'escalation', 'instead', 'test'])
  .describe('`escalation`: the alert was not acknowledged; `instead`: another notifier could not deliver it')
export type NoticeReason = z.infer<typeof NoticeReason>

export const NotifierDelivery = z
  .object({
    id: z.string().describe('Id of the notice; the same at each attempt'),
    at: Timestamp,
    duration_ms: z.int(),
    reason: NoticeReason,
    title: z.string(),
    attempt: z.int(),
    outcome: z.enum(['delivered', 'retried', 'abandoned']),
    status: z.int().nullable().describe('HTTP or SMTP status; null without a response'),
    said: z.string().describe('The response, without secrets'),
  })
  .meta({ id: 'NotifierDelivery' })
export type NotifierDelivery = z.infer<typeof NotifierDelivery>

const path = '/api/dashboard/notifiers'
const params = z.object({ notifier_id })
const shared = { tag: 'Notifiers', scope: 'dashboard:admin' } as const
const missing = ['forbidden', 'not_found'] as const

export const notifiersApi = {
  listNotifiers: endpoint({
    ...shared,
    method: 'GET',
    path,
    summary: 'List notifiers; callers without access to all accounts see none',
    effect: 'read',
    response: z.object({ items: z.array(Notifier) }),
  }),
  createNotifier: endpoint({
    ...shared,
    method: 'POST',
    path,
    summary: 'Create a notifier; it also reports alerts that are already firing',
    effect: 'write',
    body: NotifierBody,
    response: z.object({
      notifier: Notifier,
      secret: z
        .string()
        .nullable()
        .describe('`whsec_…` of a webhook, if it was generated; shown only once')
        .meta({ examples: [null] }),
    }),
    status: 201,
    problems: ['forbidden', 'session_needed', 'not_possible_now', 'address_refused'],
  }),
  changeNotifier: endpoint({
    ...shared,
    method: 'PUT',
    path: `${path}/{notifier_id}`,
    summary: 'Replace a notifier; its kind, and secrets that are omitted, stay',
    description: 'If the server to which a secret is sent changes, the secret must be given again.',
    effect: 'write',
    params,
    body: NotifierBody,
    response: Notifier,
    problems: ['forbidden', 'session_needed', 'not_found', 'address_refused'],
  }),
  deleteNotifier: endpoint({
    ...shared,
    method: 'DELETE',
    path: `${path}/{notifier_id}`,
    summary: 'Delete a notifier and its undelivered notices',
    effect: 'write',
    params,
    response: z.undefined(),
    status: 204,
    problems: missing,
  }),
  testNotifier: endpoint({
    ...shared,
    method: 'POST',
    path: `${path}/{notifier_id}/test`,
    summary: 'Send a test notice immediately, and return the response',
    effect: 'write',
    limit: 'connect',
    params,
    response: NotifierDelivery,
    problems: missing,
  }),
  listNotifierDeliveries: endpoint({
    ...shared,
    method: 'GET',
    path: `${path}/{notifier_id}/deliveries`,
    summary: 'List the latest 100 attempts, newest first',
    effect: 'read',
    params,
    response: z.object({ items: z.array(NotifierDelivery) }),
    problems: missing,
  }),
}
