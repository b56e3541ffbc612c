/** OAuth providers of mail accounts, and the state of a sign-in in progress. */
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

/** Stores the account, without secrets, in this tab until the provider redirects back. */
export function rememberPending(signInId: string, account: PendingAccount): void {
  sessionStorage.setItem(keyOf(signInId), JSON.stringify(account))
}

export function recallPending(signInId: string): PendingAccount | undefined {
  const text = sessionStorage.getItem(keyOf(signInId))
  // The cast is true because only this page writes it.
  return text === null ? undefined : (JSON.parse(text) as PendingAccount)
}

export function forgetPending(signInId: string): void {
  sessionStorage.removeItem(keyOf(signInId))
}

/** Polls the state of a sign-in until it is settled. */
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
