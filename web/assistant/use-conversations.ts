/** The list of conversations, and actions on them. */
import { keepPreviousData, useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query'
import { conversationsApi } from '../../contract/conversations.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useConversationNews } from './use-conversation-news.ts'

/** Poll interval in milliseconds while an answer is open, because no event reports its progress. */
const openIntervalMs = 10_000
const pageSize = '50'

export function useConversations(words: string) {
  useConversationNews(ignore)
  return useInfiniteQuery({
    queryKey: [...queryKeys.conversations, words],
    queryFn: ({ signal, pageParam }) =>
      call(conversationsApi.listConversations, {
        query: { limit: pageSize, q: words || undefined, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: last => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: true,
    refetchInterval: ({ state: { data } }) =>
      data?.pages.some(({ items }) => items.some(({ state }) => state !== 'idle')) === true && openIntervalMs,
  })
}

export function useRename(id: string) {
  const changed = useListChanged(id)
  return useMutation({
    mutationFn: (title: string) =>
      call(conversationsApi.renameConversation, { params: { conversation_id: id }, body: { title } }),
    onSuccess: changed,
  })
}

export function useDelete(id: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => call(conversationsApi.deleteConversation, { params: { conversation_id: id } }),
    onSuccess: () => {
      queries.removeQueries({ queryKey: queryKeys.conversation(id) })
      // Not awaited: until the page is left, it would refetch the deleted conversation and show that it is missing.
      void queries.invalidateQueries({ queryKey: queryKeys.conversations })
    },
  })
}

export async function exportConversation(id: string): Promise<void> {
  const { file_name: name, markdown } = await call(conversationsApi.exportConversation, {
    params: { conversation_id: id },
  })
  const url = URL.createObjectURL(new Blob([markdown], { type: 'text/markdown' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}

function useListChanged(id: string) {
  const queries = useQueryClient()
  return async () => {
    await Promise.all([
      queries.invalidateQueries({ queryKey: queryKeys.conversations }),
      queries.invalidateQueries({ queryKey: queryKeys.conversation(id) }),
    ])
  }
}

function ignore(): void {}
