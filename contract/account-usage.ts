/** Traffic between RustyMail and an account’s mail server, by day, with the provider’s published limits. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { AccountId } from './wire.ts'

const traffic = {
  received_bytes: z.int().describe('IMAP bytes received from the mail server'),
  sent_bytes: z.int(),
  connections: z.int().describe('Connections opened'),
}
const Traffic = z.object(traffic)

const UsageDay = z
  .object({
    day: z.iso
      .date()
      .describe('The day in UTC')
      .meta({ examples: ['2026-11-28'] }),
    ...traffic,
    most_open: z.int().describe('Most connections open at once'),
    sync: Traffic.describe('Background indexing'),
    interactive: Traffic.describe('Requests of people and programs'),
    watch: Traffic.describe('Watching for new mail'),
  })
  .meta({ id: 'UsageDay' })
export type UsageDay = z.infer<typeof UsageDay>

const ProviderLimits = z
  .object({
    provider: z.string(),
    received_bytes_per_day: z.int().nullable(),
    sent_bytes_per_day: z.int().nullable(),
    connections: z.int().nullable().describe('Concurrent connections of all mail programs together'),
  })
  .meta({ id: 'ProviderLimits' })
export type ProviderLimits = z.infer<typeof ProviderLimits>

export const AccountUsage = z
  .object({
    limits: ProviderLimits.nullable().describe('Limits published by the provider; null if none are known'),
    pace: z
      .enum(['full', 'slowed', 'paused'])
      .describe(
        'Throttling of background work: `slowed` from 80 % of the daily limit on, `paused` when it is reached, until the next day. Requests are never throttled',
      ),
    days: z.array(UsageDay).describe('Newest first, today included; 35 at most. Days without traffic are left out'),
  })
  .meta({ id: 'AccountUsage' })
export type AccountUsage = z.infer<typeof AccountUsage>

export const accountUsageApi = {
  getUsage: endpoint({
    method: 'GET',
    path: '/api/dashboard/accounts/{account_id}/usage',
    tag: 'Accounts',
    summary: 'Get the traffic between this server and an account’s mail server, by day',
    scope: 'dashboard:read',
    effect: 'read',
    params: z.object({ account_id: AccountId }),
    response: AccountUsage,
    problems: ['account_not_found'],
  }),
}
