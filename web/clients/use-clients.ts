/** The list of clients, and disconnecting one. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { useUrlState } from '../platform/url-state.ts'

export const perPage = 25

/** Poll interval of the counters in milliseconds; events report only who connects and disconnects. */
export const clientsIntervalMs = 10_000

export const viewDefaults = { page: '1', filter: '', kind: '', status: '', sort: 'last_activity', order: 'desc' }
export type ClientsView = typeof viewDefaults

export function useClientsView() {
  return useUrlState(viewDefaults)
}

export function useClients(view: ClientsView) {
  const { state } = useLiveStatus()
  return useQuery({
    queryKey: queryKeys.clientPage(view),
    queryFn: ({ signal }) => call(api.clients.listClients, { query: toQuery(view), signal }),
    placeholderData: keepPreviousData,
    // A refused request would be refused again.
    refetchInterval: ({ state: { error } }) => state === 'live' && !error && clientsIntervalMs,
  })
}

export function useDisconnect() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (clientId: string) => call(api.clients.disconnectClient, { params: { client_id: clientId } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: queryKeys.clients }),
  })
}

/** Builds the query; the server validates the values, so unknown ones produce its error. */
function toQuery({ page, filter, kind, status, sort, order }: ClientsView) {
  return {
    page,
    per_page: perPage,
    filter: filter || undefined,
    kind: asGiven<'browser'>(kind),
    status: asGiven<'active'>(status),
    sort: asGiven<'last_activity'>(sort),
    order: asGiven<'asc'>(order),
  }
}

function asGiven<Known extends string>(value: string): Known | undefined {
  return value === '' ? undefined : (value as Known)
}
