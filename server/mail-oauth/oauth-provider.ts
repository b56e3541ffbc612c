/** OAuth2 providers as data: endpoints, the servers that accept their tokens, and the least scopes for each use. */
import type { OAuthUse } from '../../contract/mail-oauth.ts'

/** The endpoints of a provider; those of one that is not built in are read from its metadata. */
export interface OAuthEndpoints {
  issuer: string
  authorization: string
  token: string
  /** RFC 8628; undefined if it grants no mail scopes that way. */
  device: string | undefined
  /** RFC 7009. */
  revocation: string | undefined
  /** True if its responses contain the issuer (RFC 9207), so that those without are rejected. */
  namesIssuer: boolean
}

export interface OAuthProviderFacts {
  id: string
  name: string
  kind: 'google' | 'microsoft' | 'custom'
  imapHosts: readonly string[]
  smtpHosts: readonly string[]
  domains: readonly string[]
  scopes: Record<OAuthUse, readonly string[]>
  /** Parameters in addition to those of the protocol. */
  authorizationParameters: Readonly<Record<string, string>>
}

export interface OAuthClient {
  clientId: string
  clientSecret: string | undefined
}

/** A provider with everything needed to send requests to it. */
export interface ReadyProvider extends OAuthProviderFacts, OAuthClient {
  /** Known, or read from its metadata. */
  endpoints: OAuthEndpoints | { metadataUrl: string }
}

const google: OAuthProviderFacts = {
  id: 'google',
  name: 'Google',
  kind: 'google',
  imapHosts: ['imap.gmail.com', 'imap.googlemail.com'],
  smtpHosts: ['smtp.gmail.com', 'smtp.googlemail.com'],
  domains: ['gmail.com', 'googlemail.com'],
  // The only scope that Google has for IMAP and SMTP; it cannot be narrowed to reading.
  scopes: { read: ['https://mail.google.com/'], send: ['https://mail.google.com/'] },
  // Without `consent` Google issues a refresh token at the first consent only.
  authorizationParameters: { access_type: 'offline', prompt: 'consent' },
}

const microsoftScope = (name: string) => `https://outlook.office.com/${name}`
const microsoftRead = [microsoftScope('IMAP.AccessAsUser.All'), 'offline_access']

const microsoft: OAuthProviderFacts = {
  id: 'microsoft',
  name: 'Microsoft',
  kind: 'microsoft',
  imapHosts: ['outlook.office365.com', 'imap-mail.outlook.com', 'outlook.office.com'],
  smtpHosts: ['smtp.office365.com', 'smtp-mail.outlook.com'],
  domains: ['outlook.*', 'hotmail.*', 'live.*', 'msn.com'],
  scopes: { read: microsoftRead, send: [...microsoftRead, microsoftScope('SMTP.Send')] },
  authorizationParameters: { prompt: 'select_account' },
}

export const builtInProviders: readonly OAuthProviderFacts[] = [google, microsoft]

export function googleEndpoints(): OAuthEndpoints {
  return {
    issuer: 'https://accounts.google.com',
    authorization: 'https://accounts.google.com/o/oauth2/v2/auth',
    token: 'https://oauth2.googleapis.com/token',
    // Google's device flow grants no scope for mail.
    device: undefined,
    revocation: 'https://oauth2.googleapis.com/revoke',
    namesIssuer: false,
  }
}

export function microsoftEndpoints(tenant: string): OAuthEndpoints {
  const base = `https://login.microsoftonline.com/${tenant}`
  return {
    issuer: `${base}/v2.0`,
    authorization: `${base}/oauth2/v2.0/authorize`,
    token: `${base}/oauth2/v2.0/token`,
    device: `${base}/oauth2/v2.0/devicecode`,
    // Microsoft has none: access is revoked at account.live.com/consent/Manage or myapps.microsoft.com.
    revocation: undefined,
    namesIssuer: false,
  }
}

/** Returns true if a pattern matches the host: `imap.example.org`, or `*.example.org` for subdomains. */
export function isHostOf(patterns: readonly string[], host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  return patterns.some(pattern => (pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern))
}

/** Scopes that the response may omit, since they give no access to mail. */
const notOfMail = new Set(['offline_access', 'openid', 'email', 'profile'])

/** Returns the requested scopes that the user did not grant. */
export function missingScopes(asked: readonly string[], granted: readonly string[]): string[] {
  const given = new Set(granted.map(scope => scope.toLowerCase()))
  return asked.filter(scope => !notOfMail.has(scope) && !given.has(scope.toLowerCase()))
}
