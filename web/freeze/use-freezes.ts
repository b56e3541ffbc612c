/** Active stops, and stopping and lifting. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type Freeze, freezesApi } from '../../contract/freezes.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { useToast } from '../ui/toast.tsx'

/** Returns the active stops, kept fresh by facts. */
export function useFreezes() {
  return useQuery({
    queryKey: queryKeys.freezes,
    queryFn: ({ signal }) => call(freezesApi.listFreezes, { query: { active: 'true' }, signal }),
    enabled: useMay('dashboard:read'),
  })
}

export interface FreezeTarget {
  target: Freeze['target']
  /** Id of the token or account; undefined for everything. */
  id?: string
  name: string
}

export function useFreeze({ target, id, name }: FreezeTarget) {
  const changed = useFreezesChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: ({ reads, reason }: { reads: Freeze['reads']; reason: string }) => {
      const what =
        target === 'everything'
          ? { everything: true as const }
          : target === 'account'
            ? { account_id: id ?? '' }
            : { principal: id ?? '' }
      return call(freezesApi.freeze, { body: { ...what, reads, ...(reason && { reason }) } })
    },
    onSuccess: () => toast({ tone: 'good', title: 'Stopped', detail: sentence(name) }),
    onSettled: changed,
  })
}

export function useLift() {
  const changed = useFreezesChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: (freezeId: string) => call(freezesApi.liftFreeze, { params: { freeze_id: freezeId } }),
    onSuccess: () => toast({ tone: 'good', title: 'The stop is lifted', detail: 'What was held continues.' }),
    onSettled: changed,
  })
}

function sentence(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`
}

function useFreezesChanged(): () => Promise<unknown> {
  const queries = useQueryClient()
  return () =>
    Promise.all(
      [queryKeys.freezes, queryKeys.outbox, queryKeys.approvals].map(queryKey =>
        queries.invalidateQueries({ queryKey }),
      ),
    )
}
