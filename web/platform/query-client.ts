/** The query cache of the server's responses. The event stream invalidates it, so little is polled. */
import { QueryCache, QueryClient } from '@tanstack/react-query'
import { ApiProblem } from './api-client.ts'
import { queryKeys } from './query-keys.ts'

export function createQueryClient(): QueryClient {
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: error => {
        if (!(error instanceof ApiProblem)) return
        // An ended session shows the sign-in page, whichever query noticed it.
        if (error.code === 'unauthorized') queries.setQueryData(queryKeys.session, null)
        // The role may have changed; the page then offers what the new one allows.
        if (error.code === 'forbidden') void queries.invalidateQueries({ queryKey: queryKeys.session })
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 60_000,
        // Queries run even if the browser reports no network, because the server may be on this machine.
        networkMode: 'always',
        retry: (failures, error) => failures < 2 && !(error instanceof ApiProblem && isFinal(error)),
        retryDelay: failures => Math.random() * 1000 * 2 ** failures,
        refetchOnWindowFocus: false,
      },
      mutations: { networkMode: 'always' },
    },
  })
  return queries
}

/** Returns whether a retry would fail the same way. */
function isFinal({ status, code }: ApiProblem): boolean {
  return (status >= 400 && status < 500) || code === 'no_model_configured'
}
