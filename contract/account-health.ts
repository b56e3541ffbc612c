/** Recent errors of one account, and an immediate retry. */
import { z } from 'zod'
import { Account, AccountError } from './accounts.ts'
import { endpoint } from './endpoint.ts'
import { AccountId, Timestamp } from './wire.ts'

export const RecentError = AccountError.extend({
  code: z.string().describe('Problem code, as a request would have returned it'),
  at: Timestamp.describe('Most recent occurrence'),
  first_at: Timestamp.describe('First of the consecutive occurrences'),
  count: z.int().describe('Number of consecutive occurrences with the same text'),
}).meta({ id: 'RecentError' })
export type RecentError = z.infer<typeof RecentError>

/** Upper bound of recent errors kept per account; beyond it the oldest is evicted. */
export const maxRecentErrors = 20

const params = z.object({ account_id: AccountId })
const path = '/api/dashboard/accounts/{account_id}'
const tag = 'Accounts'

export const accountHealthApi = {
  listAccountErrors: endpoint({
    method: 'GET',
    path: `${path}/errors`,
    tag,
    summary: 'List recent errors of one account since this server started, in its connections and in requests',
    scope: 'dashboard:read',
    effect: 'read',
    params,
    response: z.object({
      items: z
        .array(RecentError)
        .describe(`Newest first, ${maxRecentErrors} at most; consecutive equal errors are merged, with a count`),
    }),
    problems: ['account_not_found'],
  }),
  reconnectAccount: endpoint({
    method: 'POST',
    path: `${path}/reconnect`,
    tag,
    summary: 'Reconnect an account now, without waiting for the next retry',
    description:
      'A rejected password is tried once more. Existing connections are closed and reopened; requests in progress are finished.',
    limit: 'connect',
    scope: 'dashboard:operate',
    effect: 'write',
    params,
    response: Account,
    status: 202,
    problems: ['account_not_found', 'account_disabled'],
  }),
}
