/** How one account has fared: its errors and states of the last day, its connections, and another try at once. */
import { z } from 'zod'
import { Account, AccountConnections, AccountError, AccountState } from './accounts.ts'
import { endpoint } from './endpoint.ts'
import { AccountId, Timestamp } from './wire.ts'

export const RecentError = AccountError.extend({
  code: z.string().describe('Of the table of problems, as a request would have been answered'),
  at: Timestamp.describe('The last time'),
  first_at: Timestamp.describe('The first time of those in a row'),
  count: z.int().describe('How often in a row, with the same words'),
}).meta({ id: 'RecentError' })
export type RecentError = z.infer<typeof RecentError>

export const StateSpan = z.object({ state: AccountState, since: Timestamp }).meta({ id: 'StateSpan' })
export type StateSpan = z.infer<typeof StateSpan>

/** At most so many of each are kept. */
export const historyBounds = { errors: 20, states: 200, hours: 24 } as const

export const AccountHealthReport = z
  .object({
    account_id: AccountId,
    state: AccountState,
    state_since: Timestamp,
    last_error: AccountError.nullable(),
    next_retry_at: Timestamp.nullable(),
    note: z.string().nullable().describe('As in the account'),
    last_mail_at: Timestamp.nullable(),
    connections: AccountConnections,
    recent_errors: z
      .array(RecentError)
      .describe(
        `Newest first, of its connections and of requests: ${historyBounds.errors} at most, since this server started`,
      ),
    states: z
      .array(StateSpan)
      .describe(
        `The state now and those before it, newest first: ${historyBounds.states} at most, of the last ${historyBounds.hours} h, since this server started. The last one may have begun before that`,
      ),
  })
  .meta({ id: 'AccountHealthReport' })
export type AccountHealthReport = z.infer<typeof AccountHealthReport>

const params = z.object({ account_id: AccountId })
const path = '/api/dashboard/accounts/{account_id}'
const tag = 'Accounts'

export const accountHealthApi = {
  getAccountHealth: endpoint({
    method: 'GET',
    path: `${path}/health`,
    tag,
    summary: 'How one account fares and has fared: states, errors, connections',
    scope: 'dashboard:read',
    effect: 'read',
    params,
    response: AccountHealthReport,
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
