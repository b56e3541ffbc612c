/** The message itself, rendered on request from the bytes that are or were sent. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { outboxApi, submissionHtmlPath } from '../../contract/outbox.ts'
import type { Submission } from '../../contract/submission.ts'
import { addressOf, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { Button } from '../ui/button.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { OutgoingAttachments, OutgoingContent } from './outgoing-content.tsx'

export function SubmissionContent({ submission: { id, hash } }: { submission: Submission }) {
  const [isOpen, setOpen] = useState(false)
  const { data, error, refetch } = useQuery({
    queryKey: [...queryKeys.submission(id), 'content', hash],
    queryFn: ({ signal }) => call(outboxApi.getSubmissionContent, { params: { submission_id: id }, signal }),
    enabled: isOpen,
    gcTime: 0,
  })
  if (!isOpen) {
    return (
      <p>
        <Button size="sm" className="max-md:min-h-11" onClick={() => setOpen(true)}>
          Show the message
        </Button>
      </p>
    )
  }
  if (!data && error) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <SkeletonRows count={4} />
  return (
    <div className="overflow-hidden rounded-md border bg-surface">
      <OutgoingContent
        content={data}
        frameSource={addressOf(submissionHtmlPath, { submission_id: id }, { hash: data.hash })}
      />
      <OutgoingAttachments attachments={data.attachments} />
    </div>
  )
}
