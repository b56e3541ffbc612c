/** How far an account is indexed, and building its index again. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import type { IndexStatus } from '../../contract/mail-index.ts'
import { call } from '../platform/api-client.ts'
import { useStream } from '../platform/live.tsx'
import { changesIndexOf, queryKeys } from '../platform/query-keys.ts'
import { useToast } from '../ui/toast.tsx'

const buildingMs = 2_000
/** The server compares all folders once a minute; no fact tells of that. */
export const indexIntervalMs = 60_000
/** From the first fact of a burst. */
const gatherMs = 3_000

/** @param isConnected False: it is not being built, so it is asked for less often. */
export function useIndex(accountId: string, isConnected: boolean) {
  useIndexFacts(accountId)
  return useQuery({
    queryKey: queryKeys.index(accountId),
    queryFn: ({ signal }) => call(api.mailIndex.getIndex, { params: { account_id: accountId }, signal }),
    refetchInterval: ({ state: { data, error } }) =>
      isConnected && data?.state === 'building' && !error ? buildingMs : indexIntervalMs,
  })
}

function useIndexFacts(accountId: string): void {
  const queries = useQueryClient()
  const stream = useStream()
  useEffect(() => {
    const queryKey = queryKeys.index(accountId)
    let timer: ReturnType<typeof setTimeout> | undefined
    const unlisten = stream.onEvent(({ event }) => {
      if (timer !== undefined || !changesIndexOf(accountId, event)) return
      // One that is being built is asked for all the time.
      if (queries.getQueryData<IndexStatus>(queryKey)?.state !== 'complete') return
      timer = setTimeout(() => {
        timer = undefined
        // A failed reload shows in the panel.
        void queries.invalidateQueries({ queryKey })
      }, gatherMs)
    })
    return () => {
      unlisten()
      clearTimeout(timer)
    }
  }, [queries, stream, accountId])
}

export function useRebuildIndex({ id, name }: Account) {
  const queries = useQueryClient()
  const toast = useToast()
  return useMutation({
    mutationFn: () => call(api.mailIndex.rebuildIndex, { params: { account_id: id } }),
    onSuccess: async status => {
      const queryKey = queryKeys.index(id)
      // An answer that is still on its way would speak of the index before.
      await queries.cancelQueries({ queryKey })
      queries.setQueryData(queryKey, status)
      toast({ tone: 'info', title: 'Rebuilding the index', detail: name })
    },
  })
}
