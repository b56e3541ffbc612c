/** Who is signed in: `useSession()` inside the shell; `useSessionQuery()` where it may be nobody. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { SessionView } from '../../contract/access.ts'
import { api } from '../../contract/index.ts'
import { ApiProblem, call } from './api-client.ts'
import { useStream } from './live.tsx'
import { queryKeys } from './query-keys.ts'

/** `data` is null when nobody is signed in. @param isAsked False where it is not to be asked for yet. */
export function useSessionQuery(isAsked = true) {
  return useQuery({
    queryKey: queryKeys.session,
    queryFn: ({ signal }) => findSession(signal),
    staleTime: Infinity,
    enabled: isAsked,
  })
}

/** Only below the shell, which is shown to those who are signed in. */
export function useSession(): SessionView {
  const { data } = useSessionQuery()
  if (!data) throw new Error('useSession is for pages inside the shell')
  return data
}

export function useSignOut() {
  const queries = useQueryClient()
  const stream = useStream()
  return useMutation({
    mutationFn: () => call(api.access.closeSession),
    onSettled: () => {
      stream.close()
      queries.setQueryData(queryKeys.session, null)
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== queryKeys.session[0] })
    },
  })
}

async function findSession(signal: AbortSignal): Promise<SessionView | null> {
  try {
    return await call(api.access.getSession, { signal })
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 401) return null
    throw error
  }
}
