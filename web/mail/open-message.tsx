/** One message in full, or why it cannot be shown. */
import { useQuery } from '@tanstack/react-query'
import { ArrowLeft, MailQuestionMark } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { api } from '../../contract/index.ts'
import type { Message } from '../../contract/mail.ts'
import { AnswerLine } from '../compose/answer-actions.tsx'
import { ApiProblem, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { AttachmentList } from './attachment-list.tsx'
import { BodySkeleton, MessageSkeleton } from './mail-skeletons.tsx'
import { wordsOfFaults } from './mail-words.ts'
import { type BodyKind, MessageBody } from './message-body.tsx'
import { MessageHead } from './message-head.tsx'
import { SourceActions } from './message-source.tsx'
import { ProtectionNotes } from './protection-notes.tsx'
import { useKnownHead } from './use-known-head.ts'

export interface OpenProps {
  accountId: string
  messageRef: string
  backHref: string
  takesFocus: boolean
  preferred: BodyKind
  onPrefer(kind: BodyKind): void
}

export function useMessage(accountId: string, messageRef: string, isAsked = true) {
  return useQuery({
    enabled: isAsked,
    queryKey: queryKeys.message(accountId, messageRef),
    queryFn: ({ signal }) => call(api.mail.getMessage, { params: { account_id: accountId, ref: messageRef }, signal }),
    // A message never changes.
    staleTime: Number.POSITIVE_INFINITY,
  })
}

export function OpenMessage({ accountId, messageRef, backHref, takesFocus, preferred, onPrefer }: OpenProps) {
  const { data, error, refetch } = useMessage(accountId, messageRef)
  const known = useKnownHead(accountId, messageRef)
  if (!data && error) {
    return (
      <div className="grid flex-1 place-items-center overflow-y-auto">
        {isGone(error) ? (
          <Gone problem={error} backHref={backHref} />
        ) : (
          <ErrorState error={error} onRetry={() => void refetch()} />
        )}
      </div>
    )
  }
  if (!data && !known) return <MessageSkeleton />
  return (
    <Sheet
      accountId={accountId}
      head={data ?? known}
      message={data}
      takesFocus={takesFocus}
      preferred={preferred}
      onPrefer={onPrefer}
    />
  )
}

function Sheet({
  accountId,
  head,
  message,
  takesFocus,
  preferred,
  onPrefer,
}: Omit<OpenProps, 'messageRef' | 'backHref'> & {
  /** The head as known from the list, until the message is loaded. */
  head: Message | undefined
  message: Message | undefined
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    // On phones the message replaces the row that had the focus.
    if (takesFocus && document.activeElement === document.body) heading.current?.focus()
  }, [takesFocus])
  return (
    <article
      aria-label="The open message"
      aria-busy={!message || undefined}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
      tabIndex={0}
      className="flex min-h-0 flex-1 flex-col overflow-y-auto focus-visible:-outline-offset-2"
    >
      {head && (
        <MessageHead message={head} heading={heading}>
          <SourceActions accountId={accountId} messageRef={head.ref} />
        </MessageHead>
      )}
      {message ? (
        <>
          <FaultNote message={message} />
          <ProtectionNotes message={message} />
          <AttachmentList accountId={accountId} message={message} />
          <MessageBody accountId={accountId} message={message} preferred={preferred} onPrefer={onPrefer} />
          <AnswerLine accountId={accountId} messageRef={message.ref} />
        </>
      ) : (
        <BodySkeleton />
      )}
    </article>
  )
}

export function FaultNote({ message: { faults } }: { message: Message }) {
  if (faults.length === 0) return null
  return (
    <p role="note" className="flex items-center gap-2 border-b bg-warn-tint px-4 py-2 text-sm">
      <ToneIcon tone="warn" />
      <span>
        <strong className="font-semibold">This message is not shown completely.</strong> {wordsOfFaults(faults)}
      </span>
    </p>
  )
}

export function isGone(error: Error): error is ApiProblem {
  return error instanceof ApiProblem && (error.code === 'stale_ref' || error.code === 'message_not_found')
}

function Gone({ problem, backHref }: { problem: ApiProblem; backHref: string }) {
  const title =
    problem.code === 'stale_ref' ? 'This message moved, or the folder was rebuilt' : 'This message is no longer here'
  return (
    <div role="alert">
      <EmptyState
        icon={MailQuestionMark}
        title={title}
        actions={
          <ButtonLink href={backHref} icon={ArrowLeft}>
            Back to the folder
          </ButtonLink>
        }
      >
        {problem.message}
      </EmptyState>
    </div>
  )
}
