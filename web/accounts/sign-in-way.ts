/** Whether a mailbox can be signed in to at its provider: by its servers, by the issuer that its settings name, or by its address. */
import type { AccountInput } from '../../contract/accounts.ts'
import type { DiscoveredSettings } from '../../contract/autoconfig.ts'
import type { OAuthProvider } from '../../contract/mail-oauth.ts'
import { type AccountDraft, isAddress, serverOf } from './account-draft.ts'

/** What an account is made of once somebody has signed in. */
export type PendingAccount = Omit<AccountInput, 'auth' | 'enabled'>

export type SignInWay =
  | { kind: 'ready'; provider: OAuthProvider; account: PendingAccount }
  /** Nobody can sign in there before a client id is set. */
  | { kind: 'no_client'; provider: OAuthProvider }
  /** The mailbox signs in there, and its server is none of those that get the tokens of it. */
  | { kind: 'unlisted_host'; provider: OAuthProvider; host: string }
  /** Known by the address alone. */
  | { kind: 'hosts_needed'; provider: OAuthProvider }
  /** It takes no passwords, and there is nothing to sign in at. */
  | { kind: 'no_provider'; issuer: string | null }

/** @returns undefined where a password is the only way that is known. */
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

/** The provider that an IMAP server is of. */
export function providerFor(providers: readonly OAuthProvider[], host: string): OAuthProvider | undefined {
  const server = host.trim().toLowerCase()
  return providers.find(provider => provider.imap_hosts.some(pattern => isLike(pattern, server)))
}

function ofAddress(providers: readonly OAuthProvider[], email: string): OAuthProvider | undefined {
  const domain = email.trim().toLowerCase().split('@')[1] ?? ''
  return providers.find(({ domains }) => domains.some(pattern => isLike(pattern, domain)))
}

/** Of those that were added by their metadata. The others have the same servers for everybody. */
function ofIssuer(providers: readonly OAuthProvider[], issuer: string | null | undefined): OAuthProvider | undefined {
  if (!issuer) return undefined
  return providers.find(({ metadata_url: url }) => url !== null && issuerOf(url) === issuerOf(issuer))
}

/** RFC 8414, section 3: the path of the issuer may stand before or behind the well-known part. */
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
