/** What went wrong with one account, and another try at once. */
import { z } from 'zod'
import { Account, AccountError } from './accounts.ts'
import { endpoint } from './endpoint.ts'
import { AccountId, Timestamp } from './wire.ts'

export const RecentError = AccountError.extend({
  code: z.string().describe('Of the table of problems, as a request would have been answered'),
  at: Timestamp.describe('The last time'),
  first_at: Timestamp.describe('The first time of those in a row'),
  count: z.int().describe('How often in a row, with the same words'),
}).meta({ id: 'RecentError' })
export type RecentError = z.infer<typeof RecentError>

/** At most so many are kept. */
export const maxRecentErrors = 20

const params = z.object({ account_id: AccountId })
const path = '/api/dashboard/accounts/{account_id}'
const tag = 'Accounts'

export const accountHealthApi = {
  listAccountErrors: endpoint({
    method: 'GET',
    path: `${path}/errors`,
    tag,
    summary: 'What went wrong with one account since this server started, in its connections and in requests',
    scope: 'dashboard:read',
    effect: 'read',
    params,
    response: z.object({
      items: z
        .array(RecentError)
        .describe(`Newest first, ${maxRecentErrors} at most; the same in a row is one with its count`),
    }),
    problems: ['account_not_found'],
  }),
  reconnectAccount: endpoint({
    method: 'POST',
    path: `${path}/reconnect`,
    tag,
    summary: 'Connect an account again now, without waiting for the next try',
    description:
      'A refused password is tried once more. Connections that stand are ended and opened again; requests under way are finished.',
    limit: 'connect',
    scope: 'dashboard:operate',
    effect: 'write',
    params,
    response: Account,
    status: 202,
    problems: ['account_not_found', 'account_disabled'],
  }),
}
