/** The user's own sessions, and ending them. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { UserSession } from '../../contract/access.ts'
import { api } from '../../contract/index.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { ignoreNobody, useLeave, useSession } from '../platform/session.ts'

/** Poll interval in milliseconds, because no event reports sessions. */
const askEveryMs = 30_000

export function useOwnSessions() {
  const { user_id: userId } = useSession().principal
  return useQuery({
    queryKey: queryKeys.ownSessions,
    queryFn: ({ signal }) => call(api.access.listSessions, { query: { user_id: userId ?? undefined }, signal }),
    refetchInterval: askEveryMs,
  })
}

/** @param onEnded Called once the session has left the list. */
export function useEndSession({ id, is_current: isCurrent }: UserSession, onEnded: () => void) {
  const queries = useQueryClient()
  const leave = useLeave()
  return useMutation({
    mutationFn: () => call(api.access.endSession, { params: { session_id: id } }).catch(ignoreGone),
    onSuccess: async () => {
      if (isCurrent) return leave()
      await queries.invalidateQueries({ queryKey: queryKeys.ownSessions })
      onEnded()
    },
  })
}

export function useEndAllSessions() {
  const leave = useLeave()
  return useMutation({
    mutationFn: () => call(api.access.endAllSessions).catch(ignoreNobody),
    onSuccess: leave,
  })
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof ApiProblem && error.code === 'session_not_found')) throw error
}
