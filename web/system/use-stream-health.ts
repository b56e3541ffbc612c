/** How the streams of the server fare, asked every 5 s while the page is looked at. */
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
