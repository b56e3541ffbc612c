/** The signed-in user: `useSession()` inside the shell; `useSessionQuery()` where it may be null. */
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

/** Returns the session query; `data` is null when signed out. */
export function useSessionQuery() {
  return useQuery({
    queryKey: queryKeys.session,
    queryFn: async ({ client, signal }) => {
      const found = await findSession(signal)
      const before = client.getQueryData<SessionView | null>(queryKeys.session)
      // Another user may have signed in, in another tab.
      if (before && found && before.principal.id !== found.principal.id) forgetAnswers(client)
      return found
    },
    staleTime: Infinity,
  })
}

const SessionContext = createContext<SessionView | undefined>(undefined)

/** Provides the session to everything that only signed-in users see. */
export const SessionProvider = SessionContext.Provider

/** Returns the session; only below the provider. It stays the same while the page of a user who signed out unmounts. */
export function useSession(): SessionView {
  const data = use(SessionContext)
  if (!data) throw new Error('useSession is for pages inside the shell')
  return data
}

/** Returns whether the session has a scope, to decide what to offer; the server enforces it. */
export function useMay(scope: Scope): boolean {
  return useSession().principal.scopes.includes(scope)
}

/** Returns a function to call with a newly opened session; it clears what the previous user was shown. */
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

/**
 * Clears the cache when the calling component unmounts after sign-out; use it around everything that only signed-in
 * users see.
 */
export function useForgetting(): void {
  const queries = useQueryClient()
  useEffect(
    () => () => {
      // Earlier would make mounted queries fetch again immediately.
      if (queries.getQueryData(queryKeys.session) === null) forgetAnswers(queries)
    },
    [queries],
  )
}

/** Returns a function to call when the session has ended. */
export function useLeave(): () => Promise<void> {
  const queries = useQueryClient()
  const stream = useStream()
  const [, navigate] = useLocation()
  return async () => {
    markNobody()
    stream.close()
    await stopAsking(queries)
    queries.setQueryData(queryKeys.session, null)
    // The next user starts at the overview.
    navigate('/', { replace: true })
  }
}

/** Signs out. Fails if the server is unreachable, which leaves the session and the page open. */
export function useSignOut() {
  const leave = useLeave()
  return useMutation({
    mutationFn: async () => {
      await call(api.access.closeSession).catch(ignoreNobody)
      await leave()
    },
  })
}

/** Ignores the error of a sign-out that found the session already closed. */
export function ignoreNobody(error: unknown): void {
  if (!(error instanceof ApiProblem && error.code === 'unauthorized')) throw error
}

/** Cancels session requests in flight, whose responses would describe the previous session. */
function stopAsking(queries: QueryClient): Promise<void> {
  return queries.cancelQueries({ queryKey: queryKeys.session }, { revert: false })
}

/** Removes all cached responses but the session and the ways to sign in, which are public. */
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
