/** The messages of a folder, or what a search finds: the newest, and older ones on demand. Those of a folder are kept current by events. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { joinNewest, joinOlder, type MessagePage } from './message-pages.ts'
import { searchIn } from './search-terms.ts'

const pageSize = 50

/** @param q What is searched for; empty for all messages of the folder. */
export function useMessages(accountId: string, folder: string, q: string) {
  const queries = useQueryClient()
  const { queryKey, load } = q === '' ? listOf(accountId, folder) : searchOf(accountId, searchIn(folder, q))
  const newest = useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const page = await load(undefined, signal)
      return joinNewest(queries.getQueryData<MessagePage>(queryKey), page)
    },
    // A search may cost the mail server much: only the reader asks for it again.
    ...(q === '' ? {} : { retry: false }),
  })
  const older = useMutation({
    mutationFn: (cursor: string) => load(cursor),
    onSuccess: (page, cursor) =>
      queries.setQueryData<MessagePage>(queryKey, known => known && joinOlder(known, page, cursor), {
        updatedAt: newest.dataUpdatedAt,
      }),
    onError: async error => {
      // The folder was rebuilt: what is shown of it is gone too.
      if (error instanceof ApiProblem && error.code === 'stale_cursor') await queries.resetQueries({ queryKey })
    },
  })
  return { newest, older }
}

interface Source {
  queryKey: readonly string[]
  load(cursor: string | undefined, signal?: AbortSignal): Promise<MessagePage>
}

function listOf(accountId: string, folder: string): Source {
  return {
    queryKey: [...queryKeys.folderMessages(accountId, folder), 'list'],
    load: (cursor, signal) =>
      call(api.mail.listMessages, {
        params: { account_id: accountId },
        query: { folder, limit: pageSize, cursor, preview: 'true' },
        signal,
      }),
  }
}

function searchOf(accountId: string, q: string): Source {
  return {
    queryKey: queryKeys.foundMessages(accountId, q),
    load: async (cursor, signal) => {
      const found = await call(api.mailSearch.searchAccount, {
        params: { account_id: accountId },
        query: { q, limit: pageSize, cursor, preview: 'true', facets: 'true' },
        signal,
      })
      return { ...found, total: found.total ?? 0 }
    },
  }
}
