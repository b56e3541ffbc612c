/** API tokens: for programs and agents, with scopes and accounts of their own, at most those of their owner. */
import { z } from 'zod'
import { PersonName } from './access.ts'
import { endpoint } from './endpoint.ts'
import { isMailScope, Scope, type Scope as ScopeName, scopes } from './scope.ts'
import { EndMade, MadeUser } from './users.ts'
import { AccountId, GivenTime, Timestamp } from './wire.ts'

/** Presets for the usual purposes of a token. Reader is first and the default. A sender’s messages are held for a human unless its policy says otherwise. */
export const tokenPresets = {
  reader: { title: 'Reader', scopes: ['mail:read'] },
  organizer: { title: 'Organizer', scopes: ['mail:organize'] },
  drafter: { title: 'Drafter', scopes: ['mail:draft'] },
  sender: { title: 'Sender, with approval', scopes: ['mail:send'] },
  dashboard: { title: 'Dashboard viewer', scopes: ['dashboard:read'] },
} as const satisfies Record<string, { title: string; scopes: readonly ScopeName[] }>

/** A program that a user connected with OAuth, by its URL alone. */
export const OAuthClient = z
  .object({
    client_id: z.string(),
    name: z.string().describe('The client’s own name, unverified'),
    host: z
      .string()
      .nullable()
      .describe('The host that publishes its metadata, which is verified; null for a client that registered itself'),
    redirect_host: z.string().describe('Address to which the browser was redirected'),
  })
  .meta({ id: 'OAuthClient' })
export type OAuthClient = z.infer<typeof OAuthClient>

export const ApiToken = z
  .object({
    id: z.string(),
    name: z.string(),
    prefix: z.string().describe('Prefix that identifies it: `rm_4fK2pQ`'),
    user_id: z.string(),
    user_name: z.string(),
    scopes: z.array(Scope).describe('Scopes given at creation; each includes the lower ones of its family'),
    accounts: z.array(z.string()).describe('Accounts that it may see; none if empty'),
    allowed_addresses: z
      .array(z.string())
      .describe('Addresses and ranges from which it may be used; anywhere if empty'),
    created_at: Timestamp,
    expires_at: Timestamp.nullable(),
    last_used_at: Timestamp.nullable().describe('Time of the last use, to the minute'),
    last_used_address: z.string().nullable(),
    status: z.enum(['active', 'expired', 'suspended']).describe('`suspended`: its owner is disabled'),
    oauth_client: OAuthClient.nullable().describe('The client that was connected with OAuth and acts by this token'),
  })
  .meta({ id: 'ApiToken' })
export type ApiToken = z.infer<typeof ApiToken>

const NewToken = z
  .object({ token: z.string().describe('The secret itself, shown only once'), info: ApiToken })
  .meta({ id: 'NewApiToken' })

const cidr = z
  .string()
  .trim()
  .max(50)
  .regex(/^[0-9a-fA-F:.]+(\/\d{1,3})?$/, 'is not an address or a range such as 10.0.0.0/8')
const change = {
  name: PersonName,
  scopes: z.array(Scope).min(1).max(scopes.length),
  accounts: z.array(AccountId).max(1000),
  expires_at: GivenTime.nullable(),
  allowed_addresses: z.array(cidr).max(50),
}
const params = z.object({ token_id: z.string().min(1).max(40) })
const shared = { tag: 'Tokens', scope: 'signed_in' } as const

export const tokensApi = {
  listTokens: endpoint({
    ...shared,
    method: 'GET',
    path: '/api/dashboard/tokens',
    summary: 'List API tokens: your own, or all for an administrator',
    effect: 'read',
    response: z.object({ items: z.array(ApiToken) }),
  }),
  createToken: endpoint({
    callers: 'session',
    ...shared,
    method: 'POST',
    path: '/api/dashboard/tokens',
    summary: 'Create a token; its secret is only in this response',
    description: 'With a mail scope it must name at least one account.',
    effect: 'write',
    limit: 'access',
    body: z
      .strictObject({
        ...change,
        expires_at: change.expires_at.default(null),
        allowed_addresses: change.allowed_addresses.default([]),
      })
      // Only for new tokens: a change that removes accounts from a token must never be rejected.
      .refine(({ scopes, accounts }) => accounts.length > 0 || !scopes.some(isMailScope), {
        path: ['accounts'],
        message: 'must name at least one account: a token sees only the mail of the accounts that it names',
      }),
    response: NewToken,
    status: 201,
    problems: ['session_needed', 'too_many_tokens', 'account_not_found', 'beyond_own_rights'],
  }),
  changeToken: endpoint({
    callers: 'not_token',
    ...shared,
    method: 'PATCH',
    path: '/api/dashboard/tokens/{token_id}',
    summary: 'Change a token; its open streams and calls are narrowed within a second',
    effect: 'write',
    limit: 'access',
    params,
    body: z.strictObject({
      name: change.name.optional(),
      scopes: change.scopes.optional(),
      accounts: change.accounts.optional(),
      expires_at: change.expires_at.optional(),
      allowed_addresses: change.allowed_addresses.optional(),
    }),
    response: ApiToken,
    problems: ['session_needed', 'token_not_found', 'account_not_found', 'beyond_own_rights'],
  }),
  rotateToken: endpoint({
    callers: 'session',
    ...shared,
    method: 'POST',
    path: '/api/dashboard/tokens/{token_id}/rotate',
    summary: 'Rotate the secret of a token; the old one stops working immediately',
    effect: 'write',
    limit: 'access',
    params,
    response: NewToken,
    problems: ['session_needed', 'token_not_found'],
  }),
  revokeToken: endpoint({
    callers: 'not_token',
    ...shared,
    method: 'DELETE',
    path: '/api/dashboard/tokens/{token_id}',
    summary: 'Revoke a token, and close its open connections',
    description:
      'Users that it invited, reset or promoted stay, with their sessions and tokens, unless `end_made` is true.',
    effect: 'destroy',
    isRevocation: () => true,
    limit: 'access',
    params,
    query: EndMade,
    response: z.undefined(),
    status: 204,
    problems: ['session_needed', 'token_not_found', 'last_administrator', 'beyond_own_rights'],
  }),
  listMadeByToken: endpoint({
    tag: 'Tokens',
    scope: 'dashboard:admin',
    method: 'GET',
    path: '/api/dashboard/tokens/{token_id}/made',
    summary: 'List the users that a token invited, reset or promoted: they stay when it is revoked',
    effect: 'read',
    params,
    response: z.object({ items: z.array(MadeUser) }),
    problems: ['token_not_found'],
  }),
}
