/** The authorization server of one origin: `oidc-provider`, configured to do OAuth 2.1 for MCP and nothing else. */
import { generateKeyPairSync } from 'node:crypto'
import type { Context, Provider } from 'oidc-provider'
import { connectionScopes, consentPath, mcpAuthPaths } from '../../contract/mcp-auth.ts'
import type { Logger } from '../platform/logger.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { createToken } from '../tokens/token-format.ts'
import type { TokenService } from '../tokens/token-service.ts'
import { documentFetch, maxDocumentBytes, maxFetches } from './client-metadata.ts'
import type { NodeHandler } from './koa-exchange.ts'
import type { McpAuthStore } from './mcp-auth-store.ts'
import { RecordAdapter } from './record-adapter.ts'

export interface ServerSurroundings {
  store: McpAuthStore
  secrets: SecretBox
  tokens: Pick<TokenService, 'issueSecret' | 'endSecret' | 'findConnection' | 'endConnection'>
  /** Fetches metadata documents of clients. */
  fetch: typeof fetch
  now(): number
  logger: Logger
}

export interface AuthorizationServer {
  readonly provider: Provider
  readonly answer: NodeHandler
}

/** Lifetimes in seconds. */
export const lifetimes = {
  accessToken: 60 * 60,
  /** Counts from its last use; it is rotated at each use. */
  refreshToken: 30 * 24 * 60 * 60,
  code: 60,
  /** How long a user may take to sign in and decide. */
  request: 15 * 60,
  grant: 400 * 24 * 60 * 60,
} as const

/** Returns the resource URLs by which clients may name this MCP server. */
export function resourcesAt(origin: string): string[] {
  return [`${origin}/mcp`, `${origin}/sse`, origin, `${origin}/`]
}

/** @param origin Public origin of this server, which is the issuer. */
export async function createAuthorizationServer(
  origin: string,
  around: ServerSurroundings,
): Promise<AuthorizationServer> {
  // Loaded with the first client: a server without clients does without it and its dependencies.
  const { Provider, errors } = await import('oidc-provider')
  const { secrets, logger } = around
  const resources = resourcesAt(origin)
  let fetches = 0
  const fetchDocument = documentFetch(around.fetch, around.now)
  const records = { ...around, origin, usedBefore: () => new errors.InvalidGrant('it was used before') }
  const provider = new Provider(origin, {
    adapter: (kind: string) => new RecordAdapter(kind, records),
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
    clientDefaults: {
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      application_type: 'native',
    },
    cookies: {
      keys: [secrets.derive('mcp-auth cookies').toString('base64url')],
      names: { session: 'rustymail_oauth', interaction: 'rustymail_connecting', resume: 'rustymail_resuming' },
      short: { path: '/', signed: true, httpOnly: true, sameSite: 'lax', overwrite: true },
      long: { path: '/oauth', signed: true, httpOnly: true, sameSite: 'lax', overwrite: true },
    },
    // Signs nothing, since there are no ID tokens and access tokens are opaque; the library requires a key.
    jwks: { keys: [{ ...idleKey(), kid: 'idle', use: 'sig', alg: 'ES256' }] },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    scopes: [],
    responseTypes: ['code'],
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: async (_context: Context, client: { clientId: string }, token: { clientId?: string }) =>
          token.clientId === client.clientId,
      },
      registration: { enabled: true, issueRegistrationAccessToken: false },
      clientIdMetadataDocument: {
        enabled: true,
        ack: 'draft-02',
        allowFetch: async () => fetches < maxFetches,
        allowClient: async () => true,
        cacheDuration: { min: 30, max: 3_600 },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => resources[0],
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_context: Context, resource: string) => {
          if (!resources.includes(resource)) throw new errors.InvalidTarget(`this is not the server of ${resource}`)
          return {
            scope: connectionScopes.join(' '),
            audience: resource,
            accessTokenFormat: 'opaque',
            accessTokenTTL: lifetimes.accessToken,
          }
        },
      },
    },
    routes: {
      authorization: mcpAuthPaths.authorize,
      token: mcpAuthPaths.token,
      revocation: mcpAuthPaths.revoke,
      registration: mcpAuthPaths.register,
      jwks: mcpAuthPaths.jwks,
    },
    interactions: { url: async (_context: Context, { uid }: { uid: string }) => `${consentPath}/${uid}` },
    ttl: {
      AccessToken: lifetimes.accessToken,
      AuthorizationCode: lifetimes.code,
      Grant: lifetimes.grant,
      IdToken: lifetimes.code,
      Interaction: lifetimes.request,
      RefreshToken: lifetimes.refreshToken,
      Session: lifetimes.request,
    },
    rotateRefreshToken: true,
    issueRefreshToken: async (_context: Context, client: { grantTypeAllowed(name: string): boolean }) =>
      client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    findAccount: async (_context: Context, sub: string) => ({ accountId: sub, claims: async () => ({ sub }) }),
    renderError: async (context: Context, { error, error_description }: Record<string, string>) => {
      context.type = 'text/plain; charset=utf-8'
      context.body = faultText(error, error_description)
    },
    fetch: async (url: string) => {
      fetches++
      try {
        return await fetchDocument(url)
      } finally {
        fetches--
      }
    },
    fetchResponseBodyLimits: { 'client_id metadata document': maxDocumentBytes },
  })
  // Gives access tokens the form of RustyMail's own tokens, so that scanners and the gate recognise them.
  provider.AccessToken.prototype.generateTokenId = function generateTokenId(this: { format: string }) {
    this.format = 'opaque'
    return createToken()
  }
  provider.on('server_error', (_context, err) => logger.error({ err }, 'the authorization server failed'))
  return { provider, answer: provider.callback() }
}

/** What a browser shows when a request for access is wrong. */
export function faultText(error = '', words = ''): string {
  return `The program that sent you here made a mistake, so it cannot be connected.\n\n${error}: ${words}\n`
}

function idleKey(): object {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
}
