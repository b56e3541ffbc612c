/** API tokens, and actions on them. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import { call } from '../platform/api-client.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { useToast } from '../ui/toast.tsx'
import type { bodyOf, changeOf } from './token-draft.ts'

/**
 * Poll interval in milliseconds: no event reports the use of a token, nor, to users other than administrators, its
 * creation.
 */
export const tokensIntervalMs = 30_000

export function useTokens() {
  const { state } = useLiveStatus()
  return useQuery({
    queryKey: queryKeys.tokens,
    queryFn: ({ signal }) => call(api.tokens.listTokens, { signal }),
    refetchInterval: ({ state: { error } }) => state === 'live' && !error && tokensIntervalMs,
  })
}

/** A newly issued token, with the secret that is returned only once. */
export interface IssuedToken {
  token: string
  info: ApiToken
}

export function useCreateToken() {
  const changed = useTokensChanged()
  return useMutation({
    mutationFn: (body: ReturnType<typeof bodyOf>) => call(api.tokens.createToken, { body }),
    // The response contains the secret, so it is not cached.
    gcTime: 0,
    onSuccess: changed,
  })
}

export function useChangeToken({ id, name }: ApiToken) {
  const changed = useTokensChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: (body: ReturnType<typeof changeOf>) => call(api.tokens.changeToken, { params: { token_id: id }, body }),
    onSuccess: async () => {
      toast({ tone: 'good', title: 'Saved', detail: name })
      await changed()
    },
  })
}

export function useRotateToken({ id }: ApiToken) {
  const changed = useTokensChanged()
  return useMutation({
    mutationFn: () => call(api.tokens.rotateToken, { params: { token_id: id } }),
    gcTime: 0,
    onSuccess: changed,
  })
}

/** @param endsMade Whether users that the token created are disabled, too. */
export function useRevokeToken({ id, name }: ApiToken) {
  const changed = useTokensChanged()
  const queries = useQueryClient()
  const toast = useToast()
  return useMutation({
    mutationFn: (endsMade: boolean) =>
      call(api.tokens.revokeToken, { params: { token_id: id }, query: { end_made: endsMade ? 'true' : 'false' } }),
    onSuccess: async (_answer, endsMade) => {
      toast({ tone: 'good', title: endsMade ? 'Revoked, and its users disabled' : 'Revoked', detail: name })
      await changed()
      if (endsMade) await queries.invalidateQueries({ queryKey: queryKeys.users })
    },
  })
}

function useTokensChanged(): () => Promise<unknown> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: queryKeys.tokens })
}
