/** A preview of the message as it would be sent, rendered by the server from the saved draft. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Draft } from '../../contract/draft.ts'
import { draftHtmlPath, draftsApi } from '../../contract/drafts.ts'
import { OutgoingContent } from '../outbox/outgoing-content.tsx'
import { addressOf, call } from '../platform/api-client.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import type { DraftSession } from './draft-session.ts'
import { PolicyCheck } from './policy-check.tsx'

export function DraftPreview({ session, draft }: { session: DraftSession; draft: Draft }) {
  const [isFlushed, setFlushed] = useState(false)
  useEffect(() => {
    let isHere = true
    const done = () => isHere && setFlushed(true)
    session.flush().then(done, done)
    return () => {
      isHere = false
    }
  }, [session])
  const params = { account_id: draft.account_id, draft_id: draft.id }
  const { data, error, refetch } = useQuery({
    queryKey: ['draft-preview', draft.id, String(draft.rev)],
    queryFn: ({ signal }) => call(draftsApi.previewDraft, { params, signal }),
    enabled: isFlushed,
    gcTime: 0,
  })
  if (!data && error) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <SkeletonRows count={4} />
  return (
    <>
      <OutgoingContent content={data} frameSource={addressOf(draftHtmlPath, params, { rev: data.rev })} />
      <PolicyCheck key={draft.rev} draft={draft} />
    </>
  )
}
