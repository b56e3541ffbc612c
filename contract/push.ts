/** Web Push: the browsers of a user that are notified when a message waits for approval, also while no page is open. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { secret, Timestamp } from './wire.ts'

export const PushDetails = z
  .enum(['none', 'sender'])
  .describe(
    'Content of a notification beside the number of pending approvals. `sender`: which token asks, and for which account. Never any content of a message',
  )
export type PushDetails = z.infer<typeof PushDetails>

export const PushSubscription = z
  .object({
    id: z.string(),
    fingerprint: z
      .string()
      .describe('SHA-256 of its endpoint in hex, by which a browser recognizes its own subscription'),
    service: z.string().describe('Host of the push service'),
    user_agent: z.string(),
    details: PushDetails,
    created_at: Timestamp,
    last_success_at: Timestamp.nullable().describe('When its push service last accepted a notification'),
    failing: z
      .object({ since: Timestamp, why: z.string() })
      .nullable()
      .describe('Latest rejection by its push service; after 14 days of rejections the subscription is removed'),
  })
  .meta({ id: 'PushSubscription' })
export type PushSubscription = z.infer<typeof PushSubscription>

/** Maximum subscriptions of one user; beyond it the oldest is removed. */
export const mostSubscriptions = 20

const subscription_id = z.string().regex(/^p[0-9a-f]{16}$/, 'is not the id of a subscription')
/** Base64url as sent by browsers, with or without padding. */
const bytes = (characters: number) =>
  z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${characters}}={0,2}$`), 'is not a key of a push subscription')

const tag = 'Push'
const path = '/api/dashboard/push'
const shared = { tag, scope: 'signed_in', callers: 'session' } as const
const one = z.object({ subscription_id })

export const pushApi = {
  getPush: endpoint({
    ...shared,
    method: 'GET',
    path,
    summary: 'Get the public key of this server for Web Push, and your own subscriptions',
    effect: 'read',
    response: z.object({
      public_key: z.string().nullable().describe('`applicationServerKey` (RFC 8292); null if Web Push is switched off'),
      services: z.array(z.string()).describe('Push services that may be used; `*.` stands for any subdomain'),
      items: z.array(PushSubscription),
    }),
    problems: ['session_needed'],
  }),
  subscribePush: endpoint({
    ...shared,
    method: 'POST',
    path: `${path}/subscriptions`,
    summary: 'Notify this browser; ends with the session that asked for it',
    description:
      'Accepts the output of a browser’s `PushSubscription.toJSON()`. The same endpoint again updates the subscription. A user has up to 20; beyond that the oldest is removed.',
    effect: 'write',
    limit: 'access',
    body: z.strictObject({
      endpoint: secret(z.string().min(1).max(1_000)),
      keys: z.strictObject({ p256dh: secret(bytes(87)), auth: secret(bytes(22)) }),
      details: PushDetails.default('sender'),
    }),
    response: PushSubscription,
    status: 201,
    problems: ['session_needed', 'address_refused', 'push_off'],
  }),
  unsubscribePush: endpoint({
    ...shared,
    method: 'DELETE',
    path: `${path}/subscriptions/{subscription_id}`,
    summary: 'Stop notifying one of your browsers',
    effect: 'write',
    limit: 'access',
    params: one,
    response: z.undefined(),
    status: 204,
    problems: ['session_needed', 'not_found'],
  }),
  testPush: endpoint({
    ...shared,
    method: 'POST',
    path: `${path}/subscriptions/{subscription_id}/test`,
    summary: 'Send a test notification to one of your browsers',
    description: 'Reports whether the push service accepted it. The browser shows it a moment later.',
    effect: 'write',
    limit: 'connect',
    params: one,
    response: z.object({
      is_accepted: z.boolean(),
      why: z.string().nullable().describe('The rejection by the push service, or the connection error'),
    }),
    problems: ['session_needed', 'not_found', 'push_off'],
  }),
}
