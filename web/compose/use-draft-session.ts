/** The draft of the open window: loaded once, saved as one types, and kept current with what others do to it. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import type { Draft } from '../../contract/draft.ts'
import { draftsApi } from '../../contract/drafts.ts'
import { call } from '../platform/api-client.ts'
import { useStreamEvent } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import type { StreamEvent } from '../platform/stream-status.ts'
import { DraftSession } from './draft-session.ts'

/** Asked for each time that it is opened: what is on screen is then of the session. */
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
      // What was typed last is saved also when another page is opened, and then listed as it is.
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
