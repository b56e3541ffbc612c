/** One message of a conversation: a single line while collapsed, else in full. */
import { ChevronDown, ChevronRight, Paperclip } from 'lucide-react'
import { useId, useRef } from 'react'
import type { IndexedMessage } from '../../contract/mail-index.ts'
import { AnswerLine } from '../compose/answer-actions.tsx'
import { useNow } from '../platform/clock.ts'
import { formatDateTime } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { Badge } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { nameOf } from './address-words.ts'
import { AttachmentList } from './attachment-list.tsx'
import { BodySkeleton } from './mail-skeletons.tsx'
import { formatMailTime } from './mail-words.ts'
import { type BodyKind, MessageBody } from './message-body.tsx'
import { MessageHead } from './message-head.tsx'
import { SourceActions } from './message-source.tsx'
import { FaultNote, useMessage } from './open-message.tsx'
import { ProtectionNotes } from './protection-notes.tsx'
import { headOf } from './use-known-head.ts'

export function ConversationMessage({
  accountId,
  message,
  isOwn,
  isOpen,
  onToggle,
  preferred,
  onPrefer,
}: {
  accountId: string
  message: IndexedMessage
  /** Whether the reader wrote it. */
  isOwn: boolean
  isOpen: boolean
  onToggle(message: IndexedMessage): void
  preferred: BodyKind
  onPrefer(kind: BodyKind): void
}) {
  const id = useId()
  const isUnread = !message.flags.includes('seen')
  return (
    <li
      data-ref={message.ref}
      className={classNames('min-w-0 overflow-hidden rounded-lg border bg-surface', isOpen && 'shadow-card')}
    >
      <h3>
        <button
          type="button"
          aria-expanded={isOpen}
          aria-controls={id}
          onClick={() => onToggle(message)}
          className="flex min-h-11 w-full items-center gap-2.5 px-3 py-1.5 text-left hover:bg-sunken/60 focus-visible:-outline-offset-2"
        >
          <Line message={message} isOwn={isOwn} isOpen={isOpen} isUnread={isUnread} />
        </button>
      </h3>
      <div id={id} hidden={!isOpen}>
        {isOpen && <Opened accountId={accountId} message={message} preferred={preferred} onPrefer={onPrefer} />}
      </div>
    </li>
  )
}

function Line({
  message: { from, date, preview, has_attachments: hasAttachments, flags },
  isOwn,
  isOpen,
  isUnread,
}: {
  message: IndexedMessage
  isOwn: boolean
  isOpen: boolean
  isUnread: boolean
}) {
  const [sender = { name: null, email: '' }] = from
  const name = nameOf(sender)
  const atMs = Date.parse(date)
  const nowMs = useNow(60_000)
  const hasWords = !isOpen && Boolean(preview)
  const Arrow = isOpen ? ChevronDown : ChevronRight
  return (
    <>
      <Arrow className="size-4 shrink-0 text-muted" aria-hidden="true" />
      <Initial name={name} isOwn={isOwn} />
      <span className={classNames('min-w-0 truncate', isUnread && 'font-semibold', hasWords && 'sm:max-w-2/5')}>
        <bdi>{name}</bdi>
      </span>
      {isOwn && <Badge>You</Badge>}
      {isUnread && <Badge tone="info">Unread</Badge>}
      {flags.includes('draft') && <Badge tone="info">Draft</Badge>}
      {hasWords && (
        <span dir="auto" className="min-w-0 flex-1 truncate text-xs text-muted max-sm:hidden">
          <bdi>{visibleText(preview ?? '')}</bdi>
        </span>
      )}
      <span className="ml-auto flex shrink-0 items-center gap-1.5 text-xs text-muted">
        {hasAttachments && <Paperclip className="size-3.5" aria-label="Has attachments" />}
        <time dateTime={date} title={formatDateTime(atMs)}>
          {formatMailTime(atMs, nowMs)}
        </time>
      </span>
    </>
  )
}

function Initial({ name, isOwn }: { name: string; isOwn: boolean }) {
  const [letter = '?'] = [...name.replaceAll(/[^\p{L}\p{N}]/gu, '')]
  return (
    <span
      aria-hidden="true"
      className={classNames(
        'grid size-7 shrink-0 place-items-center rounded-full text-xs font-semibold',
        isOwn ? 'bg-accent-tint text-accent' : 'bg-sunken text-soft',
      )}
    >
      {letter.toUpperCase()}
    </span>
  )
}

function Opened({
  accountId,
  message,
  preferred,
  onPrefer,
}: {
  accountId: string
  message: IndexedMessage
  preferred: BodyKind
  onPrefer(kind: BodyKind): void
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  const { data, error, refetch } = useMessage(accountId, message.ref)
  // Flags come from the index, which knows the current ones; the rest of a message never changes.
  const head = { ...(data ?? headOf(message)), flags: message.flags, keywords: message.keywords }
  return (
    <div className="flex flex-col border-t">
      <MessageHead message={head} heading={heading} isPart>
        <SourceActions accountId={accountId} messageRef={message.ref} />
      </MessageHead>
      {!data && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <BodySkeleton />}
      {data && (
        <>
          <FaultNote message={data} />
          <ProtectionNotes message={data} />
          <AttachmentList accountId={accountId} message={data} />
          <MessageBody accountId={accountId} message={data} preferred={preferred} onPrefer={onPrefer} isPart />
          <AnswerLine accountId={accountId} messageRef={message.ref} />
        </>
      )}
    </div>
  )
}
