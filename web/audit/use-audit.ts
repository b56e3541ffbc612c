/** The audit entries, verification, and settings. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { AuditSettings } from '../../contract/audit.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useUrlState } from '../platform/url-state.ts'
import { useToast } from '../ui/toast.tsx'
import { type AuditView, filterOf, perPage, viewDefaults } from './audit-view.ts'

export function useAuditView() {
  return useUrlState(viewDefaults)
}

/** Returns the entries; the newest page follows the stream, and older ones do not change. */
export function useAudit(view: AuditView) {
  const { cursor } = view
  return useQuery({
    queryKey: [...(cursor === '' ? queryKeys.auditHead : queryKeys.auditOlder), view],
    queryFn: ({ signal }) =>
      call(api.audit.listAudit, {
        query: { ...filterOf(view), limit: perPage, cursor: cursor || undefined },
        signal,
      }),
    placeholderData: keepPreviousData,
  })
}

export function useVerifyAudit() {
  return useMutation({ mutationFn: () => call(api.audit.verifyAudit) })
}

export function useAuditSettings() {
  return useQuery({
    queryKey: queryKeys.auditSettings,
    queryFn: ({ signal }) => call(api.audit.getAuditSettings, { signal }),
  })
}

export function useChangeAuditSettings() {
  const queries = useQueryClient()
  const toast = useToast()
  return useMutation({
    mutationFn: (body: AuditSettings) => call(api.audit.changeAuditSettings, { body }),
    onSuccess: saved => {
      queries.setQueryData(queryKeys.auditSettings, saved)
      toast({ tone: 'good', title: 'Saved', detail: 'Takes effect immediately, for new entries.' })
    },
  })
}
