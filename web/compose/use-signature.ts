/** The signature and sender addresses of an account. */
import { useQuery } from '@tanstack/react-query'
import { draftsApi } from '../../contract/drafts.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'

export function useSignature(accountId: string) {
  return useQuery({
    queryKey: queryKeys.signature(accountId),
    queryFn: ({ signal }) => call(draftsApi.getSignature, { params: { account_id: accountId }, signal }),
  })
}
