/** The messages of a folder: the newest kept current by events, older ones on demand. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { joinNewest, joinOlder, type MessagePage } from './message-pages.ts'

const pageSize = 50

export function useFolderMessages(accountId: string, folder: string) {
  const queries = useQueryClient()
  const queryKey = [...queryKeys.folderMessages(accountId, folder), 'list']
  const load = (cursor: string | undefined, signal?: AbortSignal) =>
    call(api.mail.listMessages, {
      params: { account_id: accountId },
      query: { folder, limit: pageSize, cursor },
      signal,
    })
  const newest = useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const page = await load(undefined, signal)
      return joinNewest(queries.getQueryData<MessagePage>(queryKey), page)
    },
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
