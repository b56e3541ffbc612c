/** The connected agents; an event reports each call. */
import { useQuery } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'

/** Poll interval in milliseconds, because no event reports calls in progress and open streams. */
export const agentsIntervalMs = 5_000

export function useAgents(isEnabled = true) {
  const { state } = useLiveStatus()
  const mayLook = useMay('dashboard:read')
  return useQuery({
    queryKey: queryKeys.agents,
    queryFn: ({ signal }) => call(api.agents.listAgents, { signal }),
    enabled: mayLook && isEnabled,
    refetchInterval: ({ state: { error } }) => state === 'live' && !error && agentsIntervalMs,
  })
}
