/** Providers at which mail accounts sign in, and a sign-in on its way there and back. */
import { useMutation, useQuery } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import type { OAuthSignInInput } from '../../contract/mail-oauth.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import type { PendingAccount } from './sign-in-way.ts'

export function useOAuthProviders(isWanted = true) {
  return useQuery({
    queryKey: queryKeys.oauthProviders,
    queryFn: ({ signal }) => call(api.mailOAuth.listOAuthProviders, { signal }),
    enabled: isWanted,
  })
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
