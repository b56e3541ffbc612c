/** Reports changes of a conversation made in another tab or on the server. */
import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useStreamEvent } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import type { StreamEvent } from '../platform/stream-status.ts'

/** @param onChanged Must be stable. */
export function useConversationNews(onChanged: (conversationId: string, answerId: string) => void): void {
  const queries = useQueryClient()
  useStreamEvent(
    useCallback(
      ({ event }: StreamEvent) => {
        const news: { type: string; data: object } = event
        if (news.type !== 'conversation_changed') return
        void queries.invalidateQueries({ queryKey: queryKeys.conversations })
        const { conversation_id: id, answer_id: answerId } = news.data as {
          conversation_id: string
          answer_id?: string
        }
        onChanged(id, answerId ?? '')
      },
      [queries, onChanged],
    ),
  )
}
