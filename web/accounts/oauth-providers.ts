/** Providers at which mail accounts sign in: which one a mailbox belongs to, and a sign-in on its way there and back. */
import { useMutation, useQuery } from '@tanstack/react-query'
import type { AccountInput, TlsKind } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import type { OAuthProvider, OAuthSignInInput } from '../../contract/mail-oauth.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'

export function useOAuthProviders(isWanted = true) {
  return useQuery({
    queryKey: queryKeys.oauthProviders,
    queryFn: ({ signal }) => call(api.mailOAuth.listOAuthProviders, { signal }),
    enabled: isWanted,
  })
}

/** By the IMAP server, or, where none is entered, by the address. */
export function providerFor(
  providers: readonly OAuthProvider[],
  { email, host }: { email: string; host: string },
): OAuthProvider | undefined {
  const server = host.trim().toLowerCase()
  const domain = email.trim().toLowerCase().split('@')[1] ?? ''
  const ofServer = providers.find(provider => provider.imap_hosts.some(pattern => isLike(pattern, server)))
  return server === '' ? providers.find(({ domains }) => domains.some(pattern => isLike(pattern, domain))) : ofServer
}

function isLike(pattern: string, name: string): boolean {
  if (name === '') return false
  if (pattern.startsWith('*.')) return name.endsWith(pattern.slice(1))
  return pattern.endsWith('.*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

type Place = { host: string; port: number; tls: TlsKind }
const implicit = (host: string, port: number): Place => ({ host, port, tls: 'implicit' })
const builtIn: Readonly<Record<string, { imap: Place; smtp: Place }>> = {
  google: { imap: implicit('imap.gmail.com', 993), smtp: implicit('smtp.gmail.com', 465) },
  microsoft: {
    imap: implicit('outlook.office365.com', 993),
    smtp: { host: 'smtp.office365.com', port: 587, tls: 'starttls' },
  },
}

/** What an account is made of once somebody has signed in. */
export type PendingAccount = Omit<AccountInput, 'auth' | 'enabled'>

/** Its servers, where none are entered: undefined for a provider whose servers are not known by name. */
export function pendingOf(
  { id }: OAuthProvider,
  draft: { name: string; email: string; imap: Place & { user: string }; smtp: (Place & { user: string }) | undefined },
): PendingAccount | undefined {
  const [email, name] = [draft.email.trim(), draft.name.trim()]
  const named = { email, ...(name === '' ? {} : { name }) }
  const known = builtIn[id]
  if (draft.imap.host === '' && !known) return undefined
  if (draft.imap.host === '') {
    return { ...named, imap: { ...known!.imap, user: email }, smtp: { ...known!.smtp, user: email } }
  }
  return { ...named, imap: draft.imap, ...(draft.smtp ? { smtp: draft.smtp } : {}) }
}

export function useBeginSignIn() {
  return useMutation({ mutationFn: (body: OAuthSignInInput) => call(api.mailOAuth.beginOAuthSignIn, { body }) })
}

const keyOf = (signInId: string) => `rustymail.sign-in.${signInId}`

/** Without any secret: for this tab, until it is back from the provider. */
export function rememberPending(signInId: string, account: PendingAccount): void {
  sessionStorage.setItem(keyOf(signInId), JSON.stringify(account))
}

export function recallPending(signInId: string): PendingAccount | undefined {
  const text = sessionStorage.getItem(keyOf(signInId))
  // Written by this page alone.
  return text === null ? undefined : (JSON.parse(text) as PendingAccount)
}

export function forgetPending(signInId: string): void {
  sessionStorage.removeItem(keyOf(signInId))
}

/** How far it is: asked until it is decided. */
export function useSignIn(signInId: string) {
  return useQuery({
    queryKey: queryKeys.oauthSignIn(signInId),
    queryFn: ({ signal }) => call(api.mailOAuth.getOAuthSignIn, { params: { sign_in_id: signInId }, signal }),
    enabled: signInId !== '' && signInId !== 'unknown',
    refetchInterval: ({ state }) => (isOver(state.data?.state) ? false : 1_500),
    retry: false,
  })
}

function isOver(state: string | undefined): boolean {
  return state === 'done' || state === 'failed'
}
