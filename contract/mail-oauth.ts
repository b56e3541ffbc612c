/** Signing in to mail accounts by OAuth2: providers and their clients, sign-ins in progress, and the grants of accounts. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { AccountId, line, secret, Timestamp, typedLine } from './wire.ts'

export const OAuthProviderId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and hyphens')
  .describe('`google`, `microsoft`, or the id of another configured provider')

export const OAuthUse = z
  .enum(['read', 'send'])
  .describe('`read`: only IMAP; `send`: IMAP and SMTP. Only the scopes for that are requested')
export type OAuthUse = z.infer<typeof OAuthUse>

const hostPattern = line
  .trim()
  .toLowerCase()
  .max(253)
  .regex(/^(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/, 'must be a host such as imap.example.org, or *.example.org')
const hostPatterns = z.array(hostPattern).min(1).max(20)
const scopeName = line
  .min(1)
  .max(300)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'is not a scope')
const scopeNames = z.array(scopeName).min(1).max(20)
const clientId = line.trim().min(1).max(500)
const clientSecret = secret(line.min(1).max(1024))

const OAuthProviderScopes = z.object({
  read: z.array(z.string()).describe('Scopes for IMAP only'),
  send: z.array(z.string()).describe('Scopes for IMAP and SMTP'),
})

export const OAuthProvider = z
  .object({
    id: OAuthProviderId,
    name: z.string(),
    kind: z.enum(['google', 'microsoft', 'custom']),
    client: z
      .object({
        client_id: z.string(),
        has_secret: z.boolean(),
        source: z.enum(['environment', 'page']),
        set_by: z.string().nullable().describe('Name of the user who configured it; null for the environment'),
        set_at: Timestamp.nullable(),
      })
      .nullable()
      .describe('null: nobody can sign in there yet'),
    tenant: z.string().nullable().describe('Only for Microsoft: whose accounts may sign in'),
    metadata_url: z.string().nullable().describe('For other providers: address of the metadata (RFC 8414)'),
    imap_hosts: z.array(z.string()).describe('IMAP servers that accept its tokens: tokens are sent to no other server'),
    smtp_hosts: z.array(z.string()),
    domains: z.array(z.string()).describe('Domains of addresses that belong to the provider'),
    scopes: OAuthProviderScopes,
    has_device_flow: z.boolean().nullable().describe('null until its metadata was read'),
    redirect_uri: z.string().describe('Redirect URI to enter when registering the client'),
    accounts: z.int().describe('Number of accounts that sign in there'),
  })
  .meta({ id: 'OAuthProvider' })
export type OAuthProvider = z.infer<typeof OAuthProvider>

export const OAuthProviderInput = z
  .strictObject({
    client_id: clientId,
    client_secret: clientSecret
      .nullable()
      .optional()
      .describe('If omitted, unchanged unless the client id changes; null: none, for a public client'),
    tenant: line
      .trim()
      .toLowerCase()
      .regex(/^[a-z0-9][a-z0-9.-]{0,99}$/, 'is not a tenant')
      .optional()
      .describe('For `microsoft`: `common` (the default), `consumers`, `organizations`, or the id of a tenant'),
    custom: z
      .strictObject({
        name: typedLine.trim().min(1).max(60),
        metadata_url: z
          .url({ protocol: /^https?$/, message: 'must be an https:// address' })
          .max(500)
          .describe('The issuer, or the full address below `/.well-known/`'),
        imap_hosts: hostPatterns,
        smtp_hosts: hostPatterns,
        domains: z.array(hostPattern).max(20).default([]),
        scopes: z.strictObject({ read: scopeNames, send: scopeNames }),
      })
      .optional()
      .describe('Required for providers that are not built in'),
  })
  .meta({ id: 'OAuthProviderInput' })
export type OAuthProviderInput = z.infer<typeof OAuthProviderInput>

export const OAuthSignIn = z
  .object({
    id: z.string(),
    provider: OAuthProviderId,
    provider_name: z.string(),
    method: z.enum(['browser', 'device']),
    use: OAuthUse,
    account_id: AccountId.nullable().describe('Id of the account that signs in again; null for a new one'),
    state: z
      .enum(['waiting', 'checking', 'done', 'failed'])
      .describe('`checking`: the tokens were issued and are tested at the mail server'),
    authorization_url: z.string().nullable().describe('URL for the browser; null once it has returned'),
    user_code: z.string().nullable().describe('With `device`: code to type in at `verification_uri`'),
    verification_uri: z.string().nullable(),
    verification_uri_complete: z.string().nullable(),
    expires_at: Timestamp,
    grant_id: z.string().nullable().describe('When `done`: the grant, for `auth` of a new account'),
    failure: z.string().nullable().describe('The reason for the failure, in words'),
  })
  .meta({ id: 'OAuthSignIn' })
export type OAuthSignIn = z.infer<typeof OAuthSignIn>

export const OAuthSignInInput = z
  .strictObject({
    provider: OAuthProviderId,
    method: z
      .enum(['browser', 'device'])
      .default('browser')
      .describe('`browser` requires a session; `device` shows a code that is typed in on another machine (RFC 8628)'),
    use: OAuthUse.default('send'),
    email: z.email().max(320).optional().describe('Login hint for the provider'),
    account_id: AccountId.optional().describe('Id of an account that should sign in again, or switch to OAuth2'),
  })
  .meta({ id: 'OAuthSignInInput' })
export type OAuthSignInInput = z.infer<typeof OAuthSignInInput>

export const OAuthGrant = z
  .object({
    grant_id: z.string(),
    provider: OAuthProviderId,
    provider_name: z.string(),
    use: OAuthUse,
    scopes: z.array(z.string()).describe('Scopes granted by the provider'),
    state: z.enum(['active', 'revoked']),
    failure: z.string().nullable().describe('Why the grant is no longer valid, or could not be refreshed, in words'),
    granted_at: Timestamp.describe('Time of the last sign-in'),
    granted_by: z.string().describe('Name of the user who signed in'),
    refreshed_at: Timestamp.describe('When the access token was issued'),
    access_expires_at: Timestamp.nullable().describe('null if the provider does not state it'),
    next_refresh_at: Timestamp.nullable().describe('null: it cannot be refreshed'),
  })
  .meta({ id: 'OAuthGrant' })
export type OAuthGrant = z.infer<typeof OAuthGrant>

/** Path to which providers redirect browsers. */
export const oauthCallbackPath = '/oauth/mail/callback'

const tag = 'Mail sign-in'
const providers = '/api/dashboard/oauth/providers'
const signIns = '/api/dashboard/oauth/sign-ins'
const providerParams = z.object({ provider_id: OAuthProviderId })
const signInParams = z.object({ sign_in_id: z.string().min(1).max(60) })

export const mailOAuthApi = {
  listOAuthProviders: endpoint({
    method: 'GET',
    path: providers,
    tag,
    summary: 'List the providers at which mail accounts can sign in by OAuth2',
    scope: 'dashboard:read',
    effect: 'read',
    response: z.object({ items: z.array(OAuthProvider), next_cursor: z.null() }),
  }),
  setOAuthProvider: endpoint({
    callers: 'not_token',
    method: 'PUT',
    path: `${providers}/{provider_id}`,
    tag,
    summary: 'Configure the client of a provider, or add a provider by the address of its metadata',
    description:
      'The secret is stored encrypted and never shown again. Requires a signed-in user or the API key; not available to tokens.',
    limit: 'access',
    scope: 'dashboard:admin',
    effect: 'write',
    params: providerParams,
    body: OAuthProviderInput,
    response: OAuthProvider,
    problems: ['session_needed', 'not_possible_now', 'oauth_unreachable', 'oauth_failed', 'address_refused'],
  }),
  deleteOAuthProvider: endpoint({
    callers: 'not_token',
    method: 'DELETE',
    path: `${providers}/{provider_id}`,
    tag,
    summary: 'Delete the client of a provider that no account uses',
    limit: 'access',
    scope: 'dashboard:admin',
    effect: 'destroy',
    params: providerParams,
    response: z.undefined(),
    status: 204,
    problems: ['session_needed', 'oauth_provider_not_found', 'not_possible_now'],
  }),
  beginOAuthSignIn: endpoint({
    method: 'POST',
    path: signIns,
    tag,
    summary: 'Start to sign a mail account in at its provider',
    description:
      'Returns the URL for the browser, or the code to type in. It expires after ten minutes, or when the provider says. With `account_id` the account is tested with the new access and keeps its settings; without it, pass the resulting `grant_id` as `auth` to `createAccount`.',
    limit: 'connect',
    scope: 'dashboard:admin',
    effect: 'write',
    body: OAuthSignInInput,
    response: OAuthSignIn,
    status: 201,
    problems: [
      'beyond_own_rights',
      'account_not_found',
      'oauth_provider_not_found',
      'oauth_client_missing',
      'oauth_unreachable',
      'oauth_failed',
      'address_refused',
      'not_possible_now',
    ],
  }),
  getOAuthSignIn: endpoint({
    method: 'GET',
    path: `${signIns}/{sign_in_id}`,
    tag,
    summary: 'Get the state of one of your sign-ins',
    scope: 'dashboard:admin',
    effect: 'read',
    params: signInParams,
    response: OAuthSignIn,
    problems: ['oauth_sign_in_not_found'],
  }),
  cancelOAuthSignIn: endpoint({
    method: 'DELETE',
    path: `${signIns}/{sign_in_id}`,
    tag,
    summary: 'Cancel one of your sign-ins',
    scope: 'dashboard:admin',
    effect: 'destroy',
    params: signInParams,
    response: z.undefined(),
    status: 204,
    problems: ['oauth_sign_in_not_found'],
  }),
  getAccountGrant: endpoint({
    method: 'GET',
    path: '/api/dashboard/accounts/{account_id}/grant',
    tag,
    summary: 'Get an account’s grant at its provider',
    scope: 'dashboard:read',
    effect: 'read',
    params: z.object({ account_id: AccountId }),
    response: OAuthGrant,
    problems: ['account_not_found', 'oauth_grant_not_found'],
  }),
}
