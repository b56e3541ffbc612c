/** The log lines: new ones are polled while the page is visible, older ones loaded on request. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import { logBounds } from '../../contract/logs.ts'
import { call } from '../platform/api-client.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { useUrlState } from '../platform/url-state.ts'
import { filterOf, joined, type LogView, viewDefaults } from './log-view.ts'

/** Poll interval in milliseconds; a hidden tab does not poll. */
export const logsIntervalMs = 2_000
const perPage = 200

export function useLogView() {
  return useUrlState(viewDefaults)
}

type Lines = Awaited<ReturnType<typeof ask>>

function ask(view: LogView, more: { after?: string; cursor?: string; limit: number }, signal?: AbortSignal) {
  return call(api.logs.listLogs, { query: { ...filterOf(view), ...more }, ...(signal && { signal }) })
}

export function useLogs(view: LogView, isPaused: boolean) {
  const { state } = useLiveStatus()
  const queries = useQueryClient()
  const key = queryKeys.logs(view)
  return useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      const known = queries.getQueryData<Lines>(key)
      if (!known) return ask(view, { limit: perPage }, signal)
      // After a gap the list starts over, rather than showing a hole.
      const fresh = await ask(view, { limit: logBounds.page, after: known.newest }, signal)
      // Read only now: older lines may have been loaded meanwhile.
      return joined(queries.getQueryData<Lines>(key) ?? known, fresh)
    },
    refetchInterval: ({ state: { error } }) => state === 'live' && !error && !isPaused && logsIntervalMs,
    placeholderData: keepPreviousData,
    structuralSharing: false,
    gcTime: 0,
  })
}

export function useOlderLogs(view: LogView) {
  const queries = useQueryClient()
  const key = queryKeys.logs(view)
  return useMutation({
    mutationFn: (cursor: string) => ask(view, { limit: perPage, cursor }),
    onSuccess: ({ items, next_cursor }) => {
      queries.setQueryData<Lines>(key, known => known && { ...known, items: [...known.items, ...items], next_cursor })
    },
  })
}
