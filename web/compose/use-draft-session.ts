/** The draft of the open window: loaded once, saved while typing, and merged with the edits of others. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import type { Draft } from '../../contract/draft.ts'
import { draftsApi } from '../../contract/drafts.ts'
import { call } from '../platform/api-client.ts'
import { useStreamEvent } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import type { StreamEvent } from '../platform/stream-status.ts'
import { DraftSession } from './draft-session.ts'

/** Loads the draft on each opening; from then on the session owns the state. */
export function useDraft(accountId: string, draftId: string) {
  return useQuery({
    queryKey: ['open-draft', accountId, draftId],
    queryFn: ({ signal }) => call(draftsApi.getDraft, { params: { account_id: accountId, draft_id: draftId }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
}

export function useDraftSession(draft: Draft) {
  const [session] = useState(() => new DraftSession(draft))
  const snapshot = useSyncExternalStore(session.subscribe, session.getSnapshot)
  const queries = useQueryClient()
  const follow = useCallback(
    ({ event }: StreamEvent) => {
      const isOurs = event.type === 'draft_changed' && event.data.draft_id === draft.id
      if (isOurs && event.data.state !== 'discarded') session.refresh().catch(() => undefined)
    },
    [session, draft.id],
  )
  useStreamEvent(follow)
  useEffect(
    () => () => {
      // Navigating away saves the last keystrokes, too, and then refreshes the lists.
      const saved = session.flush().catch(() => false)
      void saved.then(() => {
        session.stop()
        return queries.invalidateQueries({ queryKey: queryKeys.drafts(draft.account_id) })
      })
    },
    [session, queries, draft.account_id],
  )
  const isUnsaved = snapshot.saving !== 'saved' || snapshot.uploads.length > 0
  useEffect(() => {
    if (!isUnsaved) return
    const warn = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', warn)
    return () => removeEventListener('beforeunload', warn)
  }, [isUnsaved])
  return { session, snapshot }
}
