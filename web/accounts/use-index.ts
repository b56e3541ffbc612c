/** The indexing status of an account, and rebuilding its index. */
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
/** Poll interval in milliseconds: the server compares all folders once a minute, which no fact announces. */
export const indexIntervalMs = 60_000
/** Milliseconds from the first fact of a burst to the refetch. */
const gatherMs = 3_000

/** @param isConnected False if the account is offline, so that nothing is built and polling is slower. */
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
      // While building, it is polled anyway.
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
      // A response in flight would describe the old index.
      await queries.cancelQueries({ queryKey })
      queries.setQueryData(queryKey, status)
      toast({ tone: 'info', title: 'Rebuilding the index', detail: name })
    },
  })
}
