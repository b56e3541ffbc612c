/** A facade of openid-client: requests to an OAuth2 provider, in our terms. Never retries; caches only metadata. */
import type * as openid from 'openid-client'
import { boundedAnswer } from '../platform/network/guarded-fetch.ts'
import { authenticationOf, loadOpenId, type OpenId } from '../platform/network/openid.ts'
import { Problem } from '../platform/problem.ts'
import type { OAuthEndpoints, ReadyProvider } from './oauth-provider.ts'

/**
 * - `revoked`: the grant is no longer valid, and retrying cannot help (`invalid_grant`), or a user must sign in first.
 * - `denied`: the user or the provider refused.
 * - `away`: no response, or one that asks to come back later.
 * - `client`: the provider does not know our client, or does not permit it this.
 * - `refused`: the response is not trustworthy, or makes no sense.
 */
export type OAuthFaultKind = 'revoked' | 'denied' | 'away' | 'client' | 'refused'

/** Carries words only: the package's errors contain tokens and codes, which must not be logged. */
export class OAuthFault extends Error {
  readonly kind: OAuthFaultKind
  /** The provider's error code: `slow_down`, `authorization_pending`. */
  readonly code: string | undefined
  readonly retryAfterSeconds: number | undefined

  /** @param secrets Redacted, since a provider may echo them. */
  constructor(kind: OAuthFaultKind, cause: unknown, secrets: readonly string[]) {
    super(wordsOf(cause, secrets))
    this.name = 'OAuthFault'
    this.kind = kind
    this.code = codeOf(cause)
    this.retryAfterSeconds = retryAfterOf(cause)
  }
}

/** The tokens that a provider issues. */
export interface OAuthTokens {
  accessToken: string
  /** Undefined if the previous one, if any, stays valid. */
  refreshToken: string | undefined
  /** Undefined if the provider does not say. */
  expiresInSeconds: number | undefined
  scopes: string[]
  /** The user who signed in, if there was an ID token. */
  subject: string | undefined
  email: string | undefined
}

export interface DeviceCode {
  deviceCode: string
  userCode: string
  verificationUri: string
  verificationUriComplete: string | undefined
  expiresInSeconds: number
  intervalSeconds: number
}

/** Timeout of each request to a provider. */
const timeoutSeconds = 15
const maxAnswerBytes = 256 * 1024
/** Milliseconds after which metadata is read again. */
const metadataLifeMs = 24 * 60 * 60_000
/** Providers whose metadata is cached. */
const maxConfigurations = 100
const maxCauses = 4
const maxWords = 300
/** Upper bound of a token's length: more than any mail server accepts. */
const maxTokenLength = 16 * 1024
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

export class OAuthServer {
  readonly #options: { fetch: typeof fetch; now: () => number }
  readonly #configurations = new Map<string, { made: Promise<openid.Configuration>; endsAt: number }>()

  constructor(options: { fetch: typeof fetch; now: () => number }) {
    this.#options = options
  }

  /** Reads the metadata, to validate it when it is set. @throws OAuthFault or Problem. */
  async look(provider: ReadyProvider): Promise<{ hasDeviceFlow: boolean }> {
    const { device_authorization_endpoint: device } = (await this.#configuration(provider)).serverMetadata()
    return { hasDeviceFlow: device !== undefined }
  }

  async authorizationUrl(
    provider: ReadyProvider,
    asked: {
      redirectUri: string
      scopes: readonly string[]
      state: string
      verifier: string
      email: string | undefined
    },
  ): Promise<URL> {
    const configuration = await this.#configuration(provider)
    const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await loadOpenId()
    return buildAuthorizationUrl(configuration, {
      ...provider.authorizationParameters,
      redirect_uri: asked.redirectUri,
      scope: asked.scopes.join(' '),
      state: asked.state,
      code_challenge: await calculatePKCECodeChallenge(asked.verifier),
      code_challenge_method: 'S256',
      ...(asked.email === undefined ? {} : { login_hint: asked.email }),
    })
  }

  /**
   * Exchanges the code. Checks state, verifier and, if the provider sends it, the issuer (RFC 9207). Throws OAuthFault.
   * @param callback The complete URL to which the browser returned.
   */
  exchange(
    provider: ReadyProvider,
    callback: URL,
    { state, verifier, scopes }: { state: string; verifier: string; scopes: readonly string[] },
  ): Promise<OAuthTokens> {
    const secrets = [callback.searchParams.get('code') ?? '', verifier]
    return this.#request(provider, secrets, async (configuration, { authorizationCodeGrant }) =>
      tokensOf(
        await authorizationCodeGrant(configuration, callback, { expectedState: state, pkceCodeVerifier: verifier }),
        scopes,
      ),
    )
  }

  /** Refreshes a token. Throws OAuthFault. @param scopes Those that it has now. */
  refresh(provider: ReadyProvider, refreshToken: string, scopes: readonly string[]): Promise<OAuthTokens> {
    return this.#request(
      provider,
      [refreshToken],
      async (configuration, { refreshTokenGrant }) =>
        tokensOf(await refreshTokenGrant(configuration, refreshToken), scopes),
      (error, openid) => (wantsPerson(codeOf(error)) ? 'revoked' : kindOf(error, openid)),
    )
  }

  /** Starts a device flow. Throws OAuthFault. */
  beginDevice(provider: ReadyProvider, scopes: readonly string[]): Promise<DeviceCode> {
    return this.#request(provider, [], async (configuration, { initiateDeviceAuthorization }) => {
      const answer = await initiateDeviceAuthorization(configuration, { scope: scopes.join(' ') })
      return {
        deviceCode: answer.device_code,
        userCode: answer.user_code,
        verificationUri: answer.verification_uri,
        verificationUriComplete: answer.verification_uri_complete,
        expiresInSeconds: answer.expires_in,
        intervalSeconds: answer.interval ?? 5,
      }
    })
  }

  /** Polls once. Throws OAuthFault, also while nobody has entered the code: see its `code`. */
  pollDevice(provider: ReadyProvider, deviceCode: string, scopes: readonly string[]): Promise<OAuthTokens> {
    return this.#request(provider, [deviceCode], async (configuration, { genericGrantRequest }) =>
      tokensOf(await genericGrantRequest(configuration, deviceGrant, { device_code: deviceCode }), scopes),
    )
  }

  /** Revokes a token. @returns False if the provider cannot revoke. Throws OAuthFault. */
  revoke(provider: ReadyProvider, token: string): Promise<boolean> {
    return this.#request(provider, [token], async (configuration, { tokenRevocation }) => {
      if (configuration.serverMetadata().revocation_endpoint === undefined) return false
      await tokenRevocation(configuration, token, { token_type_hint: 'refresh_token' })
      return true
    })
  }

  /** Called when the client or metadata has changed. */
  forget(providerId: string): void {
    this.#configurations.delete(providerId)
  }

  async #request<T>(
    provider: ReadyProvider,
    secrets: readonly string[],
    request: (configuration: openid.Configuration, openid: OpenId) => Promise<T>,
    kind: typeof kindOf = kindOf,
  ): Promise<T> {
    const openid = await loadOpenId()
    const hidden = [...secrets, ...secretsOf(provider)]
    try {
      return await request(await this.#configuration(provider), openid)
    } catch (error) {
      if (error instanceof OAuthFault) throw error
      const refusal = refusalIn(error)
      if (refusal) throw refusal
      throw new OAuthFault(kind(error, openid), error, hidden)
    }
  }

  #configuration(provider: ReadyProvider): Promise<openid.Configuration> {
    const now = this.#options.now()
    const known = this.#configurations.get(provider.id)
    if (known && now < known.endsAt) return known.made
    const made = this.#configure(provider)
    const [oldest] = this.#configurations.keys()
    if (this.#configurations.size >= maxConfigurations && oldest !== undefined) this.#configurations.delete(oldest)
    const entry = { made, endsAt: now + metadataLifeMs }
    this.#configurations.set(provider.id, entry)
    // The next call retries.
    made.catch(() => this.#configurations.get(provider.id) === entry && this.#configurations.delete(provider.id))
    return made
  }

  async #configure(provider: ReadyProvider): Promise<openid.Configuration> {
    const { clientId, clientSecret, endpoints } = provider
    const openid = await loadOpenId()
    const fetchBounded = bounded(this.#options.fetch)
    if (!('metadataUrl' in endpoints)) {
      const authentication = clientSecret === undefined ? openid.None() : openid.ClientSecretPost(clientSecret)
      const known = new openid.Configuration(metadataOf(endpoints), clientId, {}, authentication)
      known[openid.customFetch] = fetchBounded
      known.timeout = timeoutSeconds
      return known
    }
    const url = new URL(endpoints.metadataUrl)
    const plain = url.protocol === 'http:' ? [openid.allowInsecureRequests] : []
    const discover = (algorithm: 'oidc' | 'oauth2') =>
      openid.discovery(url, clientId, {}, authenticationOf(clientSecret, openid), {
        algorithm,
        execute: plain,
        timeout: timeoutSeconds,
        [openid.customFetch]: fetchBounded,
      })
    try {
      // The path of OpenID Connect first, then that of RFC 8414: servers have one of them, or both.
      return await discover('oidc').catch((error: unknown) => {
        if (url.pathname.includes('/.well-known/') || refusalIn(error)) throw error
        return discover('oauth2')
      })
    } catch (error) {
      throw refusalIn(error) ?? new OAuthFault('away', error, secretsOf(provider))
    }
  }
}

/** Returns true if a user must sign in before the next refresh (Microsoft's errors at the token endpoint). */
export function wantsPerson(code: string | undefined): boolean {
  return code === 'interaction_required' || code === 'consent_required' || code === 'login_required'
}

function metadataOf(endpoints: OAuthEndpoints): openid.ServerMetadata {
  const { issuer, authorization, token, device, revocation, namesIssuer } = endpoints
  return {
    issuer,
    authorization_endpoint: authorization,
    token_endpoint: token,
    authorization_response_iss_parameter_supported: namesIssuer,
    ...(device === undefined ? {} : { device_authorization_endpoint: device }),
    ...(revocation === undefined ? {} : { revocation_endpoint: revocation }),
  }
}

function tokensOf(
  answer: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers,
  scopes: readonly string[],
): OAuthTokens {
  const { access_token: accessToken, refresh_token: refreshToken, scope, token_type: type } = answer
  if (type.toLowerCase() !== 'bearer') throw new Error(`the provider gave a token of the type ${type}`)
  for (const token of [accessToken, refreshToken ?? '']) {
    if (token.length > maxTokenLength || /[^\x20-\x7e]/.test(token)) throw new Error('the token is invalid')
  }
  const claims = answer.claims()
  return {
    accessToken,
    refreshToken,
    expiresInSeconds: answer.expires_in,
    // If omitted, it equals the requested scope (RFC 6749, section 5.1).
    scopes: scope === undefined || scope.trim() === '' ? [...scopes] : scope.trim().split(/\s+/).slice(0, 100),
    subject: claims?.sub,
    email: typeof claims?.email === 'string' ? claims.email : undefined,
  }
}

function kindOf(error: unknown, openid: OpenId): OAuthFaultKind {
  if (error instanceof openid.AuthorizationResponseError) {
    if (error.error === 'access_denied') return 'denied'
    return ['server_error', 'temporarily_unavailable'].includes(error.error) ? 'away' : 'refused'
  }
  if (error instanceof openid.WWWAuthenticateChallengeError) return 'client'
  if (error instanceof openid.ResponseBodyError) {
    if (error.error === 'invalid_grant') return 'revoked'
    if (error.error === 'access_denied') return 'denied'
    const isAway = error.status >= 500 || error.status === 429
    if (isAway || ['temporarily_unavailable', 'server_error'].includes(error.error)) return 'away'
    return /^(invalid_client|unauthorized_client|invalid_scope|unsupported_grant_type)$/.test(error.error)
      ? 'client'
      : 'refused'
  }
  const isTimeout = error instanceof openid.ClientError && error.code === 'OAUTH_TIMEOUT'
  if (isTimeout || error instanceof TypeError) return 'away'
  // A response outside the protocol, such as the error page of a proxy.
  const { cause } = error as { cause?: unknown }
  return cause instanceof Response && (cause.status >= 500 || cause.status === 429) ? 'away' : 'refused'
}

/** Finds a Problem of the outbound guard. */
function refusalIn(error: unknown): Problem | undefined {
  for (let cause = error, depth = 0; cause instanceof Error && depth < maxCauses; cause = cause.cause, depth++) {
    if (cause instanceof Problem) return cause
  }
  return undefined
}

function codeOf(error: unknown): string | undefined {
  const { error: code } = (error ?? {}) as { error?: unknown }
  return typeof code === 'string' ? code.slice(0, 100) : undefined
}

function retryAfterOf(error: unknown): number | undefined {
  const { response, cause } = (error ?? {}) as { response?: unknown; cause?: unknown }
  const answer = [response, cause].find(each => each instanceof Response)
  const seconds = Number(answer?.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
}

/** Returns the secrets as sent: in the body, or combined in a header (RFC 6749, section 2.3.1). */
function secretsOf({ clientId, clientSecret = '' }: ReadyProvider): string[] {
  if (clientSecret === '') return []
  const [id, secret = ''] = [clientId, clientSecret].map(part => new URLSearchParams([['', part]]).toString().slice(1))
  const basic = [`${id}:${secret}`, `${clientId}:${clientSecret}`].map(pair => Buffer.from(pair).toString('base64'))
  return [...basic, clientSecret, secret]
}

function wordsOf(error: unknown, secrets: readonly string[]): string {
  const words: string[] = []
  for (let cause = error; cause instanceof Error && words.length < maxCauses; cause = cause.cause) {
    const about = cause as { error?: unknown; error_description?: unknown }
    const parts = [cause.message, about.error, about.error_description]
    words.push(parts.filter(part => typeof part === 'string' && part.trim() !== '').join(' '))
  }
  const told = secrets.filter(Boolean).reduce((text, secret) => text.replaceAll(secret, '[secret]'), words.join(': '))
  return told.replaceAll(/[\p{Cc}\p{Default_Ignorable_Code_Point}]+/gu, ' ').slice(0, maxWords)
}

function bounded(inner: typeof fetch): openid.CustomFetch {
  return async (url, { method, headers, redirect, body = null, signal = null }) => {
    return boundedAnswer(await inner(url, { method, headers, redirect, body, signal }), maxAnswerBytes)
  }
}
