/** Shows the state of the message that was just sent, with a button to undo for some seconds. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { useEffect } from 'react'
import { Link } from 'wouter'
import { outboxApi } from '../../contract/outbox.ts'
import type { Submission } from '../../contract/submission.ts'
import { submissionStates } from '../outbox/submission-words.ts'
import { call } from '../platform/api-client.ts'
import { useNow } from '../platform/clock.ts'
import { formatMinute } from '../platform/format.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { NoteAmongToasts, useToast } from '../ui/toast.tsx'
import { useCompose } from './compose-context.tsx'
import { secondsLeft } from './local-time.ts'

/** Longest wait with an undo button, in milliseconds; a longer one was scheduled on purpose. */
const undoMs = 130_000
const goneMs = 4_000

export function SentBar({ sent }: { sent: Submission }) {
  return (
    <NoteAmongToasts>
      <Bar key={sent.id} first={sent} />
    </NoteAmongToasts>
  )
}

function Bar({ first }: { first: Submission }) {
  const { setSent, reopen } = useCompose()
  const queries = useQueryClient()
  const toast = useToast()
  const { data = first } = useQuery({
    queryKey: queryKeys.submission(first.id),
    queryFn: ({ signal }) => call(outboxApi.getSubmission, { params: { submission_id: first.id }, signal }),
    initialData: first,
    staleTime: 0,
  })
  const cancel = useMutation({
    mutationFn: () => call(outboxApi.cancelSubmission, { params: { submission_id: first.id } }),
    onSuccess: ({ account_id: accountId, draft_id: draftId }) => {
      setSent(undefined)
      reopen(accountId, draftId)
    },
    onError: error => toast({ tone: 'bad', title: 'Could not be undone', detail: error.message }),
    onSettled: () => queries.invalidateQueries({ queryKey: queryKeys.outbox }),
  })
  const { state } = data
  const isGood = state === 'sent' || state === 'cancelled'
  useEffect(() => {
    if (!isGood) return
    const timer = setTimeout(() => setSent(undefined), goneMs)
    return () => clearTimeout(timer)
  }, [isGood, setSent])
  return (
    <div className="pointer-events-auto flex min-h-12 max-w-full items-center gap-3 rounded-lg border bg-raised py-1 pr-1.5 pl-3 text-sm shadow-float">
      <ToneIcon tone={submissionStates[state].tone} />
      <span className="min-w-0 flex-1 wrap-anywhere">
        <Words submission={data} />
      </span>
      {data.can.includes('cancel') && (
        <Button size="sm" className="max-md:min-h-11" isBusy={cancel.isPending} onClick={() => cancel.mutate()}>
          Undo
        </Button>
      )}
      {!isGood && (
        <Link href={`/outbox?open=${data.id}`} className="shrink-0 rounded-sm font-medium text-accent">
          Outbox
        </Link>
      )}
      <IconButton icon={X} label="Close this note" onClick={() => setSent(undefined)} />
    </div>
  )
}

function Words({ submission }: { submission: Submission }) {
  const { state, send_at: sendAt, error, approval_id: approvalId } = submission
  const { clockOffsetMs } = useLiveStatus()
  const now = useNow(1_000) + clockOffsetMs
  const leftMs = sendAt === null ? 0 : Date.parse(sendAt) - now
  if (state === 'scheduled' && leftMs > undoMs) return <>Scheduled for {formatMinute(Date.parse(sendAt!))}</>
  if (state === 'scheduled' || state === 'queued' || state === 'sending') {
    return (
      <>
        Sending
        {/* Hidden from screen readers, which would announce it every second. */}
        <span aria-hidden="true">{leftMs > 0 ? ` in ${secondsLeft(submission, leftMs)} s` : '…'}</span>
      </>
    )
  }
  if (state === 'held') return <>{approvalId === null ? 'Held' : 'Waiting for approval'}</>
  if (state === 'sent') return <>Sent</>
  return (
    <>
      {submissionStates[state].text}
      {error && `: ${error.why}`}
    </>
  )
}
