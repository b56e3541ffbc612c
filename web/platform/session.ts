/** Who is signed in: `useSession()` inside the shell; `useSessionQuery()` where it may be null. */
import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { createContext, use, useEffect } from 'react'
import { useLocation } from 'wouter'
import type { SessionView } from '../../contract/access.ts'
import { api } from '../../contract/index.ts'
import type { Scope } from '../../contract/scope.ts'
import { ApiProblem, call } from './api-client.ts'
import { useStream } from './live.tsx'
import { queryKeys } from './query-keys.ts'
import { markNobody, markSomebody, mayBeSomebody } from './session-mark.ts'

/** `data` is null when signed out. */
export function useSessionQuery() {
  return useQuery({
    queryKey: queryKeys.session,
    queryFn: async ({ client, signal }) => {
      const found = await findSession(signal)
      const before = client.getQueryData<SessionView | null>(queryKeys.session)
      // Somebody else may have signed in, in another tab.
      if (before && found && before.principal.id !== found.principal.id) forgetAnswers(client)
      return found
    },
    staleTime: Infinity,
  })
}

const SessionContext = createContext<SessionView | undefined>(undefined)

/** Around everything that only somebody who is signed in sees. */
export const SessionProvider = SessionContext.Provider

/** Only below the provider. It goes on saying who was here while the page of one who signed out is taken away. */
export function useSession(): SessionView {
  const data = use(SessionContext)
  if (!data) throw new Error('useSession is for pages inside the shell')
  return data
}

/** Whether it is worth while to offer something; the server has the last word. */
export function useMay(scope: Scope): boolean {
  return useSession().principal.scopes.includes(scope)
}

/** For a session that was just opened: what was shown to the person before is gone. */
export function useEnter(): (session: SessionView) => Promise<void> {
  const queries = useQueryClient()
  const stream = useStream()
  return async session => {
    markSomebody()
    stream.close()
    await stopAsking(queries)
    forgetAnswers(queries)
    queries.setQueryData(queryKeys.session, session)
  }
}

/** For what stands around everything that only somebody who is signed in sees: when it goes, so does what it showed. */
export function useForgetting(): void {
  const queries = useQueryClient()
  useEffect(
    () => () => {
      // Not earlier: what is still shown would ask again at once.
      if (queries.getQueryData(queryKeys.session) === null) forgetAnswers(queries)
    },
    [queries],
  )
}

/** For a session that is no more. */
export function useLeave(): () => Promise<void> {
  const queries = useQueryClient()
  const stream = useStream()
  const [, navigate] = useLocation()
  return async () => {
    markNobody()
    stream.close()
    await stopAsking(queries)
    queries.setQueryData(queryKeys.session, null)
    // The next person begins at the beginning.
    navigate('/', { replace: true })
  }
}

/** Fails when the server could not be told: the session is open then, and so is the page. */
export function useSignOut() {
  const leave = useLeave()
  return useMutation({
    mutationFn: async () => {
      await call(api.access.closeSession).catch(ignoreNobody)
      await leave()
    },
  })
}

/** Signed out already: a no-op. */
export function ignoreNobody(error: unknown): void {
  if (!(error instanceof ApiProblem && error.code === 'unauthorized')) throw error
}

/** An answer that is still on its way would speak of the session before. */
function stopAsking(queries: QueryClient): Promise<void> {
  return queries.cancelQueries({ queryKey: queryKeys.session }, { revert: false })
}

/** How one can sign in here is public, and asked for again at the next sign-in. */
function forgetAnswers(queries: QueryClient): void {
  const kept: readonly unknown[] = [queryKeys.session[0], queryKeys.signIn[0]]
  queries.removeQueries({ predicate: ({ queryKey }) => !kept.includes(queryKey[0]) })
}

async function findSession(signal: AbortSignal): Promise<SessionView | null> {
  if (!mayBeSomebody()) return null
  try {
    return await call(api.access.getSession, { signal })
  } catch (error) {
    if (!(error instanceof ApiProblem && error.status === 401)) throw error
    markNobody()
    return null
  }
}
