/** A door to openid-client: OpenID Connect's authorization code flow with PKCE, in our words. */

import type * as openid from 'openid-client'
import { doubledMs } from '../platform/doubling.ts'
import { boundedAnswer } from '../platform/network/guarded-fetch.ts'
import { authenticationOf, loadOpenId, type OpenId } from '../platform/network/openid.ts'
import type { OidcConfig } from './oidc-config.ts'

/** What only the browser that began a sign-in and this process know; recreated for each. */
export interface LoginSecrets {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

/** Who someone is, as the provider says. */
export interface OidcIdentity {
  issuer: string
  subject: string
  email: string | undefined
  isEmailVerified: boolean
  name: string | undefined
  groups: readonly string[]
}

/** `denied`: the person or the provider said no; `unavailable`: no use trying at once; `refused`: the answer is not to be believed. */
export type OidcFaultKind = 'denied' | 'unavailable' | 'refused'

/** Carries words only: the errors of the package hold tokens and codes, which are not to be logged. */
export class OidcFault extends Error {
  readonly kind: OidcFaultKind

  /** @param secrets Which a provider may say again. */
  constructor(kind: OidcFaultKind, cause: unknown, secrets: readonly string[]) {
    super(wordsOf(cause, secrets))
    this.name = 'OidcFault'
    this.kind = kind
  }
}

export interface OidcClientOptions {
  config: Pick<OidcConfig, 'issuer' | 'clientId' | 'clientSecret' | 'scopes' | 'groupsClaim' | 'trustEmail'>
  now: () => number
  /** By which all calls to the provider go out. */
  fetch?: typeof fetch
}

type Claims = Record<string, unknown>
/** For each call to the provider. */
const timeoutSeconds = 10
/** An answer that is longer ends here, which makes it one that cannot be read. */
const maxAnswerBytes = 1024 * 1024
/** What the provider says of itself is asked again after this. */
const discoveryLifeMs = 60 * 60_000
/** A provider that does not answer is left alone for so long, twice as long after each further failure. */
const firstRestMs = 1_000
const maxRestMs = 60_000
/** Groups of a user that are read; further ones are ignored. */
const maxGroups = 1_000
/** Of what went wrong. */
const maxCauses = 4
const maxWords = 500

export class OidcClient {
  readonly #options: OidcClientOptions
  /** One at a time, shared by all who wait for it. */
  #discovery: { made: Promise<openid.Configuration>; endsAt: number } | undefined
  #failures = 0
  #restsUntil = 0
  #lastFailure: unknown

  constructor(options: OidcClientOptions) {
    this.#options = options
  }

  /** Where the browser is to be sent. Throws OidcFault. */
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
   * Exchanges the code and checks all that comes: state, nonce, issuer, audience, times and signature. Throws OidcFault.
   * @param callback The whole address by which the browser came back.
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
      // Only the tenant that was configured may say who someone is, also where one address serves many of them.
      if (claims.iss !== configuration.serverMetadata().issuer) throw new Error(`a foreign issuer: ${claims.iss}`)
      return this.#toIdentity(claims, await this.#userInfo(configuration, tokens.access_token, claims))
    } catch (error) {
      const code = callback.searchParams.get('code') ?? ''
      throw new OidcFault(kindOf(error, openid), error, [...this.#secrets(), code, verifier])
    }
  }

  /** Asked only when the ID token leaves something out. */
  async #userInfo(configuration: openid.Configuration, accessToken: string, claims: openid.IDToken): Promise<Claims> {
    const isWhole = claims.email !== undefined && ownClaim(claims, this.#options.config.groupsClaim) !== undefined
    if (isWhole || configuration.serverMetadata().userinfo_endpoint === undefined) return {}
    const { fetchUserInfo } = await loadOpenId()
    return fetchUserInfo(configuration, accessToken, claims.sub)
  }

  #toIdentity(claims: openid.IDToken, more: Claims): OidcIdentity {
    // An address and whether it is verified must come from one mouth.
    const mail: Claims = claims.email === undefined ? more : claims
    const { groupsClaim, trustEmail } = this.#options.config
    const groups = ownClaim(claims, groupsClaim) ?? ownClaim(more, groupsClaim)
    // Entra ID names an address in place of more than 200 groups: that is not the same as none.
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
      // Each of the provider's addresses must be https, but for a provider on this machine.
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

  /** As they are sent: in the body, or together in a header (RFC 6749, section 2.3.1). */
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
  // A mistake in our own configuration, such as a wrong secret, is not the person's.
  if (error instanceof openid.WWWAuthenticateChallengeError) return 'unavailable'
  if (error instanceof openid.ResponseBodyError) return error.error === 'invalid_grant' ? 'refused' : 'unavailable'
  const isTimeout = error instanceof openid.ClientError && error.code === 'OAUTH_TIMEOUT'
  // What fetch throws when there is no connection.
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

/** The name of a claim is an administrator's choice. */
function ownClaim(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

/** A claim that is to be fetched from another place (OpenID Connect Core 1.0, section 5.6.2). */
function isElsewhere({ _claim_names: names }: Claims, claim: string): boolean {
  return typeof names === 'object' && names !== null && Object.hasOwn(names, claim)
}

/** Some providers send a single group as a text. */
function groupsOf(value: unknown): string[] {
  const groups: unknown[] = Array.isArray(value) ? value : [value]
  return groups.slice(0, maxGroups).filter(group => typeof group === 'string')
}

function bounded(inner: typeof fetch): openid.CustomFetch {
  return async (url, { method, headers, redirect, body = null, signal = null }) => {
    return boundedAnswer(await inner(url, { method, headers, redirect, body, signal }), maxAnswerBytes)
  }
}
