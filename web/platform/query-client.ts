/** The cache of the server's answers. The event stream says what is stale; little is asked twice. */
import { QueryCache, QueryClient } from '@tanstack/react-query'
import { ApiProblem } from './api-client.ts'
import { queryKeys } from './query-keys.ts'

export function createQueryClient(): QueryClient {
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: error => {
        if (!(error instanceof ApiProblem)) return
        // A session that ended shows the sign-in page, whatever query found out.
        if (error.code === 'unauthorized') queries.setQueryData(queryKeys.session, null)
        // The role may be another one by now; the page then offers what goes with it.
        if (error.code === 'forbidden') void queries.invalidateQueries({ queryKey: queryKeys.session })
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 60_000,
        // The server may be on this very machine, which "offline" says nothing about.
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

/** What would fail the same way again. */
function isFinal({ status, code }: ApiProblem): boolean {
  return (status >= 400 && status < 500) || code === 'no_model_configured'
}
