/** One message, or why it cannot be shown. */
import { useQuery } from '@tanstack/react-query'
import { ArrowLeft, MailOpen, MailQuestionMark } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { api } from '../../contract/index.ts'
import type { Message } from '../../contract/mail.ts'
import { ApiProblem, call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { AttachmentList } from './attachment-list.tsx'
import { MessageSkeleton } from './mail-skeletons.tsx'
import { wordsOfFaults } from './mail-words.ts'
import { type BodyKind, MessageBody } from './message-body.tsx'
import { MessageFiles, ProtectionNotes } from './message-files.tsx'
import { MessageHead } from './message-head.tsx'
import { Pane } from './pane.tsx'

export function MessageView({
  accountId,
  messageRef,
  backHref,
  className,
}: {
  accountId: string
  /** Empty while none is open. */
  messageRef: string
  backHref: string
  className: string
}) {
  // The choice lasts from message to message; leave to load remote content does not.
  const [preferred, setPreferred] = useState<BodyKind>('html')
  // One that a link led to leaves the focus where the page begins.
  const [firstRef] = useState(messageRef)
  return (
    <Pane label="Message" className={className}>
      {messageRef ? (
        <>
          <div className="border-b p-0.5 md:hidden">
            <ButtonLink href={backHref} variant="quiet" size="sm" icon={ArrowLeft}>
              Back to the messages
            </ButtonLink>
          </div>
          <OpenMessage
            key={messageRef}
            accountId={accountId}
            messageRef={messageRef}
            backHref={backHref}
            takesFocus={messageRef !== firstRef}
            preferred={preferred}
            onPrefer={setPreferred}
          />
        </>
      ) : (
        <div className="grid flex-1 place-items-center">
          <EmptyState icon={MailOpen} title="No message open">
            Choose one from the list. In the list, <Key name="j" /> and <Key name="k" /> move, <Key name="Enter" />{' '}
            opens.
          </EmptyState>
        </div>
      )}
    </Pane>
  )
}

interface OpenProps {
  accountId: string
  messageRef: string
  backHref: string
  takesFocus: boolean
  preferred: BodyKind
  onPrefer(kind: BodyKind): void
}

function OpenMessage({ accountId, messageRef, backHref, takesFocus, preferred, onPrefer }: OpenProps) {
  const { data, error, refetch } = useQuery({
    queryKey: queryKeys.message(accountId, messageRef),
    queryFn: ({ signal }) => call(api.mail.getMessage, { params: { account_id: accountId, ref: messageRef }, signal }),
    // A message never changes.
    staleTime: Number.POSITIVE_INFINITY,
  })
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
  if (!data) return <MessageSkeleton />
  return (
    <Sheet accountId={accountId} message={data} takesFocus={takesFocus} preferred={preferred} onPrefer={onPrefer} />
  )
}

function Sheet({
  accountId,
  message,
  takesFocus,
  preferred,
  onPrefer,
}: Omit<OpenProps, 'messageRef' | 'backHref'> & { message: Message }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    // On phones the message stands in place of the row that was pressed and had the focus.
    if (takesFocus && document.activeElement === document.body) heading.current?.focus()
  }, [takesFocus])
  return (
    <article
      aria-label="The open message"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      className="flex min-h-0 flex-1 flex-col overflow-y-auto focus-visible:-outline-offset-2"
    >
      <MessageHead message={message} heading={heading} />
      {message.faults.length > 0 && (
        <p role="note" className="flex items-center gap-2 border-b bg-warn-tint px-4 py-2 text-sm">
          <ToneIcon tone="warn" />
          <span>
            <strong className="font-semibold">This message is not shown completely.</strong>{' '}
            {wordsOfFaults(message.faults)}
          </span>
        </p>
      )}
      <ProtectionNotes message={message} />
      <AttachmentList accountId={accountId} message={message} />
      <MessageBody accountId={accountId} message={message} preferred={preferred} onPrefer={onPrefer} />
      <MessageFiles accountId={accountId} message={message} />
    </article>
  )
}

function isGone(error: Error): error is ApiProblem {
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

function Key({ name }: { name: string }) {
  return <kbd className="rounded-sm border bg-sunken px-1 font-mono text-xs">{name}</kbd>
}
