/** The health of the server's streams, polled every 5 s while the page is visible. */
import { useQuery } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'

export const intervalMs = 5_000

export function useStreamHealth() {
  return useQuery({
    queryKey: queryKeys.streamHealth,
    queryFn: ({ signal }) => call(api.events.getStreamHealth, { signal }),
    refetchInterval: intervalMs,
  })
}
