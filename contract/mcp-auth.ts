/** OAuth for MCP: whether hosted clients may connect given only the URL, and a user’s decision on a client’s request. */
import { z } from 'zod'
import { PersonName } from './access.ts'
import { endpoint } from './endpoint.ts'
import { Scope, type Scope as ScopeName } from './scope.ts'
import { OAuthClient } from './tokens.ts'
import { AccountId, GivenTime, Timestamp } from './wire.ts'

/** Presets for the usual purposes of a client. `drafter` is the default. */
export const connectionPresets = {
  reader: { title: 'Reader', scopes: ['mail:read'] },
  organizer: { title: 'Organizer', scopes: ['mail:organize'] },
  drafter: { title: 'Drafter', scopes: ['mail:draft'] },
  sender: { title: 'Sender, with approval', scopes: ['mail:send'] },
  autonomous: { title: 'Autonomous', scopes: ['mail:send'] },
} as const satisfies Record<string, { title: string; scopes: readonly ScopeName[] }>

export const ConnectionPreset = z.enum(['reader', 'organizer', 'drafter', 'sender', 'autonomous'])
export type ConnectionPreset = z.infer<typeof ConnectionPreset>

/** Scopes that a client can be given. */
export const connectionScopes = ['mail:meta', 'mail:read', 'mail:organize', 'mail:draft', 'mail:send'] as const

/** Maximum lifetime of a connection in days. */
export const longestConnectionDays = 365

export const McpAuthSettings = z
  .object({
    enabled: z.boolean().describe('Whether clients can connect with OAuth'),
    resource: z.string().describe('The address of this MCP server, to give to clients'),
    issuer: z.string().describe('The authorization server, which is this one'),
  })
  .meta({ id: 'McpAuthSettings' })
export type McpAuthSettings = z.infer<typeof McpAuthSettings>

export const ConnectionRequest = z
  .object({
    request_id: z.string(),
    client: OAuthClient,
    client_uri: z.string().nullable().describe('The client’s own page, as it states itself, unverified'),
    redirect_uri: z.string().describe('Where the browser goes after the decision'),
    asks_for: z.array(Scope).describe('Scopes that the client asked for; you decide what it gets'),
    resource: z.string(),
    expires_at: Timestamp,
  })
  .meta({ id: 'ConnectionRequest' })
export type ConnectionRequest = z.infer<typeof ConnectionRequest>

const ConnectionDecision = z
  .object({ redirect_to: z.string().describe('Path to which the browser is redirected') })
  .meta({ id: 'ConnectionDecision' })

const tag = 'Tokens'
const settingsPath = '/api/dashboard/mcp-auth'
const requestPath = `${settingsPath}/requests/{request_id}`
const params = z.object({ request_id: z.string().regex(/^[\w-]{20,60}$/, 'is not the id of a request') })
const person = { tag, scope: 'signed_in', callers: 'session', params } as const

export const mcpAuthApi = {
  getMcpAuth: endpoint({
    method: 'GET',
    path: settingsPath,
    tag,
    summary: 'Get whether MCP clients can connect with OAuth, given only the URL',
    scope: 'dashboard:read',
    effect: 'read',
    response: McpAuthSettings,
  }),
  setMcpAuth: endpoint({
    callers: 'session',
    method: 'PUT',
    path: settingsPath,
    tag,
    summary: 'Switch OAuth for MCP clients on or off; takes effect immediately',
    description:
      'When off, no client can connect or refresh its access, and no access token is accepted. Connections stay listed as tokens.',
    limit: 'access',
    scope: 'dashboard:admin',
    effect: 'write',
    body: z.strictObject({ enabled: z.boolean() }),
    response: McpAuthSettings,
    problems: ['session_needed', 'beyond_own_rights'],
  }),
  getConnectionRequest: endpoint({
    ...person,
    method: 'GET',
    path: requestPath,
    summary: 'Get a client’s request to connect',
    description: 'Only in the browser in which the client started the request.',
    effect: 'read',
    response: ConnectionRequest,
    problems: ['session_needed', 'connection_not_found'],
  }),
  approveConnection: endpoint({
    ...person,
    method: 'POST',
    path: `${requestPath}/approve`,
    summary: 'Connect a client: it gets a token of yours with these rights',
    description: 'The token is listed with your others, and can be narrowed, frozen and revoked there.',
    limit: 'access',
    effect: 'write',
    body: z.strictObject({
      name: PersonName,
      preset: ConnectionPreset,
      proposes: z.boolean().describe('Its changes are stored as a proposal, which a human applies'),
      accounts: z.array(AccountId).min(1).max(1_000),
      expires_at: GivenTime.describe(`At most ${longestConnectionDays} days from now`),
    }),
    response: ConnectionDecision,
    problems: ['session_needed', 'connection_not_found', 'account_not_found', 'beyond_own_rights', 'too_many_tokens'],
  }),
  denyConnection: endpoint({
    ...person,
    method: 'POST',
    path: `${requestPath}/deny`,
    summary: 'Deny a client’s request to connect',
    limit: 'access',
    effect: 'write',
    response: ConnectionDecision,
    problems: ['session_needed', 'connection_not_found'],
  }),
}

export const protectedResourcePath = '/.well-known/oauth-protected-resource'
export const authorizationServerPath = '/.well-known/oauth-authorization-server'
export const openidConfigurationPath = '/.well-known/openid-configuration'
/** Endpoints of the authorization server. */
export const mcpAuthPaths = {
  authorize: '/oauth/authorize',
  resume: '/oauth/authorize/{request_id}',
  token: '/oauth/token',
  revoke: '/oauth/revoke',
  register: '/oauth/register',
  jwks: '/oauth/jwks',
} as const
/** Path of the page that asks for consent. */
export const consentPath = '/connect'
