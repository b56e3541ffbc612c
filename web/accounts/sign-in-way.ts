/** Finds the provider at which a mailbox can sign in: by its servers, its settings' issuer, or its address. */
import type { AccountInput } from '../../contract/accounts.ts'
import type { DiscoveredSettings } from '../../contract/autoconfig.ts'
import type { OAuthProvider } from '../../contract/mail-oauth.ts'
import { type AccountDraft, isAddress, serverOf } from './account-draft.ts'

/** The account that is created after the sign-in. */
export type PendingAccount = Omit<AccountInput, 'auth' | 'enabled'>

export type SignInWay =
  | { kind: 'ready'; provider: OAuthProvider; account: PendingAccount }
  /** No client ID is set, so nobody can sign in at the provider. */
  | { kind: 'no_client'; provider: OAuthProvider }
  /** The provider is known, but its tokens may not be sent to the mailbox's server. */
  | { kind: 'unlisted_host'; provider: OAuthProvider; host: string }
  /** The provider is known by the address alone, so the servers must be entered. */
  | { kind: 'hosts_needed'; provider: OAuthProvider }
  /** The mailbox accepts no passwords, and its provider is unknown. */
  | { kind: 'no_provider'; issuer: string | null }

/** @returns Undefined if a password is the only known way. */
export function signInWay(
  providers: readonly OAuthProvider[],
  draft: AccountDraft,
  chosen: DiscoveredSettings | undefined,
): SignInWay | undefined {
  if (!isAddress(draft.email)) return undefined
  const account = pendingOf(draft)
  const { host } = account.imap
  const provider = host === '' ? ofAddress(providers, draft.email) : providerFor(providers, host)
  const named = provider ?? ofIssuer(providers, chosen?.oauth_issuer)
  if (!named)
    return chosen?.takes_passwords === false ? { kind: 'no_provider', issuer: chosen.oauth_issuer } : undefined
  if (!named.client) return { kind: 'no_client', provider: named }
  if (host === '') return { kind: 'hosts_needed', provider: named }
  if (!provider) return { kind: 'unlisted_host', provider: named, host }
  const sender = account.smtp?.host
  if (sender !== undefined && !provider.smtp_hosts.some(pattern => isLike(pattern, sender.toLowerCase()))) {
    return { kind: 'unlisted_host', provider, host: sender }
  }
  return { kind: 'ready', provider, account }
}

/** Returns the provider of an IMAP server. */
export function providerFor(providers: readonly OAuthProvider[], host: string): OAuthProvider | undefined {
  const server = host.trim().toLowerCase()
  return providers.find(provider => provider.imap_hosts.some(pattern => isLike(pattern, server)))
}

function ofAddress(providers: readonly OAuthProvider[], email: string): OAuthProvider | undefined {
  const domain = email.trim().toLowerCase().split('@')[1] ?? ''
  return providers.find(({ domains }) => domains.some(pattern => isLike(pattern, domain)))
}

/** Finds a provider that was added by its metadata; built-in providers have the same servers for everyone. */
function ofIssuer(providers: readonly OAuthProvider[], issuer: string | null | undefined): OAuthProvider | undefined {
  if (!issuer) return undefined
  return providers.find(({ metadata_url: url }) => url !== null && issuerOf(url) === issuerOf(issuer))
}

/** Removes the well-known part, which may come before or after the issuer's path (RFC 8414, section 3). */
function issuerOf(url: string): string {
  return url.replace(/\/\.well-known\/(oauth-authorization-server|openid-configuration)/, '').replace(/\/+$/, '')
}

function isLike(pattern: string, name: string): boolean {
  if (name === '') return false
  if (pattern.startsWith('*.')) return name.endsWith(pattern.slice(1))
  return pattern.endsWith('.*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

function pendingOf({ name, email, imap, hasSmtp, smtp }: AccountDraft): PendingAccount {
  const address = email.trim()
  const serverFor = (server: AccountDraft['imap']) => ({ ...serverOf(server), user: server.user.trim() || address })
  return {
    email: address,
    ...(name.trim() === '' ? {} : { name: name.trim() }),
    imap: serverFor(imap),
    ...(hasSmtp && smtp.host.trim() !== '' ? { smtp: serverFor(smtp) } : {}),
  }
}
