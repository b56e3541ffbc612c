/** The policy of a token, and how much of its limits is used. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { policyApi, type TokenPolicy } from '../../contract/policy.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useToast } from '../ui/toast.tsx'

export function usePolicy({ id }: Pick<ApiToken, 'id'>) {
  return useQuery({
    queryKey: queryKeys.tokenPolicy(id),
    queryFn: ({ signal }) => call(policyApi.getTokenPolicy, { params: { token_id: id }, signal }),
    // Usage changes with each message.
    staleTime: 0,
  })
}

export function useSetPolicy({ id, name }: Pick<ApiToken, 'id' | 'name'>) {
  const queries = useQueryClient()
  const toast = useToast()
  return useMutation({
    mutationFn: (policy: TokenPolicy) => call(policyApi.setTokenPolicy, { params: { token_id: id }, body: policy }),
    onSuccess: async answer => {
      queries.setQueryData(queryKeys.tokenPolicy(id), answer)
      toast({ tone: 'good', title: 'Policy saved', detail: name })
      // The policy also applies to pending items.
      await Promise.all(
        [queryKeys.outbox, queryKeys.approvals].map(queryKey => queries.invalidateQueries({ queryKey })),
      )
    },
  })
}
