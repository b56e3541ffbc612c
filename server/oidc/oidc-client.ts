/** A facade of openid-client: OpenID Connect's authorization code flow with PKCE, in our terms. */

import type * as openid from 'openid-client'
import { doubledMs } from '../platform/doubling.ts'
import { boundedAnswer } from '../platform/network/guarded-fetch.ts'
import { authenticationOf, loadOpenId, type OpenId } from '../platform/network/openid.ts'
import type { OidcConfig } from './oidc-config.ts'

/** Known only to the browser that began a sign-in and this process; new for each. */
export interface LoginSecrets {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

/** The identity of a user, by the provider. */
export interface OidcIdentity {
  issuer: string
  subject: string
  email: string | undefined
  isEmailVerified: boolean
  name: string | undefined
  groups: readonly string[]
}

/** `denied`: the user or the provider refused; `unavailable`: retry later; `refused`: an untrustworthy response. */
export type OidcFaultKind = 'denied' | 'unavailable' | 'refused'

/** Carries words only: the package's errors contain tokens and codes, which must not be logged. */
export class OidcFault extends Error {
  readonly kind: OidcFaultKind

  /** @param secrets Redacted, since a provider may echo them. */
  constructor(kind: OidcFaultKind, cause: unknown, secrets: readonly string[]) {
    super(wordsOf(cause, secrets))
    this.name = 'OidcFault'
    this.kind = kind
  }
}

export interface OidcClientOptions {
  config: Pick<OidcConfig, 'issuer' | 'clientId' | 'clientSecret' | 'scopes' | 'groupsClaim' | 'trustEmail'>
  now: () => number
  /** Carries all requests to the provider. */
  fetch?: typeof fetch
}

type Claims = Record<string, unknown>
/** Timeout of each request to the provider. */
const timeoutSeconds = 10
/** Upper bound of a response; a longer one is truncated, and so unreadable. */
const maxAnswerBytes = 1024 * 1024
/** How long the provider's metadata is cached, in ms. */
const discoveryLifeMs = 60 * 60_000
/** Back-off in ms after a provider does not respond, doubled after each further failure. */
const firstRestMs = 1_000
const maxRestMs = 60_000
/** Groups of a user that are read; further ones are ignored. */
const maxGroups = 1_000
/** Bounds of the description of an error. */
const maxCauses = 4
const maxWords = 500

export class OidcClient {
  readonly #options: OidcClientOptions
  /** The discovery in flight or cached, shared by all callers. */
  #discovery: { made: Promise<openid.Configuration>; endsAt: number } | undefined
  #failures = 0
  #restsUntil = 0
  #lastFailure: unknown

  constructor(options: OidcClientOptions) {
    this.#options = options
  }

  /** Returns where to send the browser. Throws OidcFault. */
  async authorizationUrl(redirectUri: string, { state, nonce, verifier }: LoginSecrets): Promise<URL> {
    const configuration = await this.#configuration()
    const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await loadOpenId()
    return buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: this.#options.config.scopes,
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
  }

  /**
   * Exchanges the code, and checks state, nonce, issuer, audience, times and signature. Throws OidcFault.
   * @param callback The complete URL to which the browser returned.
   */
  async identify(callback: URL, { state, nonce, verifier }: LoginSecrets): Promise<OidcIdentity> {
    const configuration = await this.#configuration()
    const openid = await loadOpenId()
    try {
      const tokens = await openid.authorizationCodeGrant(configuration, callback, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
      })
      const claims = tokens.claims()
      if (!claims) throw new Error('the provider sent no ID token')
      // Only the configured tenant may vouch for an identity, even if one address serves many of them.
      if (claims.iss !== configuration.serverMetadata().issuer) throw new Error(`a foreign issuer: ${claims.iss}`)
      return this.#toIdentity(claims, await this.#userInfo(configuration, tokens.access_token, claims))
    } catch (error) {
      const code = callback.searchParams.get('code') ?? ''
      throw new OidcFault(kindOf(error, openid), error, [...this.#secrets(), code, verifier])
    }
  }

  /** Fetches user info only if the ID token lacks something. */
  async #userInfo(configuration: openid.Configuration, accessToken: string, claims: openid.IDToken): Promise<Claims> {
    const isWhole = claims.email !== undefined && ownClaim(claims, this.#options.config.groupsClaim) !== undefined
    if (isWhole || configuration.serverMetadata().userinfo_endpoint === undefined) return {}
    const { fetchUserInfo } = await loadOpenId()
    return fetchUserInfo(configuration, accessToken, claims.sub)
  }

  #toIdentity(claims: openid.IDToken, more: Claims): OidcIdentity {
    // An address and its verification must come from the same source.
    const mail: Claims = claims.email === undefined ? more : claims
    const { groupsClaim, trustEmail } = this.#options.config
    const groups = ownClaim(claims, groupsClaim) ?? ownClaim(more, groupsClaim)
    // Entra ID sends a reference instead of more than 200 groups, which must not be read as none.
    if (groups === undefined && [claims, more].some(each => isElsewhere(each, groupsClaim))) {
      throw new Error('the provider does not send the groups inline: configure it to send fewer, or roles')
    }
    return {
      issuer: claims.iss,
      subject: claims.sub,
      email: textOf(mail.email),
      isEmailVerified: mail.email_verified === true || (trustEmail && mail.email_verified === undefined),
      name: [claims.name, more.name, claims.preferred_username, more.preferred_username].map(textOf).find(Boolean),
      groups: groupsOf(groups),
    }
  }

  #configuration(): Promise<openid.Configuration> {
    const now = this.#options.now()
    if (this.#discovery && now < this.#discovery.endsAt) return this.#discovery.made
    if (now < this.#restsUntil) return Promise.reject(new OidcFault('unavailable', this.#lastFailure, this.#secrets()))
    const made = this.#discover()
    this.#discovery = { made, endsAt: now + discoveryLifeMs }
    return made
  }

  async #discover(): Promise<openid.Configuration> {
    const { issuer, clientId, clientSecret } = this.#options.config
    const server = new URL(issuer)
    try {
      const openid = await loadOpenId()
      // All of the provider's URLs must be https, except those of a provider on this machine.
      const plain = server.protocol === 'http:' ? [openid.allowInsecureRequests] : []
      const configuration = await openid.discovery(server, clientId, {}, authenticationOf(clientSecret, openid), {
        execute: [...plain, openid.enableNonRepudiationChecks],
        timeout: timeoutSeconds,
        [openid.customFetch]: bounded(this.#options.fetch ?? fetch),
      })
      this.#failures = 0
      return configuration
    } catch (error) {
      this.#discovery = undefined
      this.#lastFailure = error
      this.#restsUntil = this.#options.now() + doubledMs(this.#failures, firstRestMs, maxRestMs)
      this.#failures++
      throw new OidcFault('unavailable', error, this.#secrets())
    }
  }

  /** Returns secrets as sent: in the body, or combined in a header (RFC 6749, section 2.3.1). */
  #secrets(): string[] {
    const { clientId, clientSecret = '' } = this.#options.config
    const [id, secret] = [clientId, clientSecret].map(part => new URLSearchParams([['', part]]).toString().slice(1))
    const basic = [`${id}:${secret}`, `${clientId}:${clientSecret}`].map(pair => Buffer.from(pair).toString('base64'))
    return clientSecret === '' ? [] : [...basic, clientSecret, secret ?? '']
  }
}

function kindOf(error: unknown, openid: OpenId): OidcFaultKind {
  if (error instanceof openid.AuthorizationResponseError) {
    if (error.error === 'access_denied') return 'denied'
    return ['server_error', 'temporarily_unavailable'].includes(error.error) ? 'unavailable' : 'refused'
  }
  // A mistake in our own configuration, such as a wrong secret, is not the user's.
  if (error instanceof openid.WWWAuthenticateChallengeError) return 'unavailable'
  if (error instanceof openid.ResponseBodyError) return error.error === 'invalid_grant' ? 'refused' : 'unavailable'
  const isTimeout = error instanceof openid.ClientError && error.code === 'OAUTH_TIMEOUT'
  // fetch throws a TypeError if there is no connection.
  return isTimeout || error instanceof TypeError ? 'unavailable' : 'refused'
}

function wordsOf(error: unknown, secrets: readonly string[]): string {
  const words: string[] = []
  for (let cause = error; cause instanceof Error && words.length < maxCauses; cause = cause.cause) {
    const about = cause as { code?: unknown; error?: unknown; error_description?: unknown }
    words.push([cause.message, about.code, about.error, about.error_description].map(textOf).filter(Boolean).join(' '))
  }
  const told = secrets.filter(Boolean).reduce((text, secret) => text.replaceAll(secret, '[secret]'), words.join(': '))
  return told.slice(0, maxWords)
}

/** Own properties only, since an administrator chooses the name of the claim. */
function ownClaim(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

/** Returns true for a distributed or aggregated claim (OpenID Connect Core 1.0, section 5.6.2). */
function isElsewhere({ _claim_names: names }: Claims, claim: string): boolean {
  return typeof names === 'object' && names !== null && Object.hasOwn(names, claim)
}

/** Returns the groups; some providers send a single one as a string. */
function groupsOf(value: unknown): string[] {
  const groups: unknown[] = Array.isArray(value) ? value : [value]
  return groups.slice(0, maxGroups).filter(group => typeof group === 'string')
}

function bounded(inner: typeof fetch): openid.CustomFetch {
  return async (url, { method, headers, redirect, body = null, signal = null }) => {
    return boundedAnswer(await inner(url, { method, headers, redirect, body, signal }), maxAnswerBytes)
  }
}
