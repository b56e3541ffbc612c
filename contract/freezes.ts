/** The kill switch: stops what one caller, one account or every program may do, until a human lifts it. */
import { z } from 'zod'
import { ActingPrincipal } from './draft.ts'
import { endpoint } from './endpoint.ts'
import { AccountId, Timestamp, typedLine } from './wire.ts'

export const Freeze = z
  .object({
    id: z.string(),
    target: z.enum(['principal', 'account', 'everything']).describe('`everything`: all tokens and the API key'),
    principal: z.string().nullable(),
    account_id: AccountId.nullable(),
    reads: z.enum(['allow', 'stop']),
    reason: z.string().nullable(),
    by: ActingPrincipal,
    at: Timestamp,
    lifted_at: Timestamp.nullable(),
    lifted_by: ActingPrincipal.nullable(),
  })
  .meta({ id: 'Freeze' })
export type Freeze = z.infer<typeof Freeze>

const path = '/api/dashboard/freeze'
const tag = 'Freeze'

export const freezesApi = {
  freeze: endpoint({
    method: 'POST',
    path,
    tag,
    summary: 'Freeze a caller, an account, or all programs',
    description:
      'Within a second nothing more is sent or changed; queued work is held. A freeze of an account also holds messages of its users. Requires `dashboard:operate`, or that the principal is your own token.',
    scope: 'signed_in',
    effect: 'write',
    isRevocation: () => true,
    body: z
      .strictObject({
        principal: z.string().min(1).max(100).optional().describe('Id of a token, or `api_key`'),
        account_id: AccountId.optional(),
        everything: z.literal(true).optional(),
        reads: z.enum(['allow', 'stop']).default('allow'),
        reason: typedLine.trim().max(500).optional(),
      })
      .refine(
        ({ principal, account_id, everything }) =>
          [principal, account_id, everything].filter(given => given !== undefined).length === 1,
        'must name exactly one of principal, account_id, everything',
      )
      .meta({ examples: [{ principal: '4fK2pQ8ZrT1cXbV7', reads: 'allow', reason: 'It answers newsletters' }] }),
    response: Freeze,
    status: 201,
    problems: ['account_not_found', 'token_not_found', 'forbidden', 'revocation_not_stored'],
  }),
  listFreezes: endpoint({
    method: 'GET',
    path,
    tag,
    summary: 'List current and past freezes, newest first',
    scope: 'dashboard:read',
    effect: 'read',
    query: z.strictObject({ active: z.enum(['true', 'false']).default('true') }),
    response: z.object({ items: z.array(Freeze), next_cursor: z.null() }),
  }),
  liftFreeze: endpoint({
    method: 'DELETE',
    path: `${path}/{freeze_id}`,
    tag,
    summary: 'Lift a freeze; held work continues',
    description: 'Users with `dashboard:operate` only.',
    callers: 'session',
    scope: 'dashboard:operate',
    effect: 'write',
    params: z.object({ freeze_id: z.string().min(1).max(40) }),
    response: z.undefined(),
    status: 204,
    problems: ['session_needed', 'not_found', 'overloaded'],
  }),
}
