/** Open sessions: those of all users for an administrator, otherwise the user's own. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { UserSession } from '../../contract/access.ts'
import { api } from '../../contract/index.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { useLeave } from '../platform/session.ts'
import { useToast } from '../ui/toast.tsx'

/** Poll interval in milliseconds, because no event reports sessions. */
export const sessionsIntervalMs = 30_000

/** @param userId Empty for all users. */
export function useSessions(userId: string) {
  const { state } = useLiveStatus()
  return useQuery({
    queryKey: queryKeys.sessionsOf(userId),
    queryFn: ({ signal }) => call(api.access.listSessions, { query: { user_id: userId || undefined }, signal }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { error } }) => state === 'live' && !error && sessionsIntervalMs,
  })
}

export function useEndSession({ id, user_name: name, is_current: isCurrent }: UserSession) {
  const queries = useQueryClient()
  const leave = useLeave()
  const toast = useToast()
  return useMutation({
    mutationFn: () => call(api.access.endSession, { params: { session_id: id } }).catch(ignoreGone),
    onSuccess: async () => {
      if (isCurrent) return leave()
      toast({ tone: 'good', title: 'The session has ended', detail: name })
      await Promise.all([queryKeys.sessions, queryKeys.users].map(queryKey => queries.invalidateQueries({ queryKey })))
    },
  })
}

/** A session that no longer exists counts as ended. */
function ignoreGone(error: unknown): void {
  if (!(error instanceof ApiProblem && error.code === 'session_not_found')) throw error
}
