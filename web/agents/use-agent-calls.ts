/** The calls of agents; an event triggers a refetch. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'

interface CallsQuery {
  limit: number
  principal?: string | undefined
  account_id?: string | undefined
  outcome?: 'ok' | 'refused' | 'failed' | undefined
}

export function useAgentCalls(query: CallsQuery) {
  const mayLook = useMay('dashboard:read')
  return useQuery({
    queryKey: queryKeys.agentCalls(query),
    queryFn: ({ signal }) =>
      call(api.agents.listAgentCalls, { query: { ...query, limit: String(query.limit) }, signal }),
    enabled: mayLook,
    placeholderData: keepPreviousData,
  })
}
