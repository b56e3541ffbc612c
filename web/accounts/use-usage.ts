/** The traffic of an account with its mail server, and how that slows down indexing. */
import { useQuery } from '@tanstack/react-query'
import type { AccountUsage } from '../../contract/account-usage.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'

export const usageIntervalMs = 15_000

export function useUsage(accountId: string) {
  return useQuery({
    queryKey: queryKeys.accountUsage(accountId),
    queryFn: ({ signal }) => call(api.accountUsage.getUsage, { params: { account_id: accountId }, signal }),
    refetchInterval: usageIntervalMs,
  })
}

export const paceWords: Record<AccountUsage['pace'], string> = {
  full: '',
  slowed: 'Indexing is spread over the rest of the day.',
  paused: 'Indexing waits until tomorrow (UTC). Reading mail goes on.',
}
