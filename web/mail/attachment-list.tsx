/** The attachments of a message: files to download, and messages that open in place. */
import { useQuery } from '@tanstack/react-query'
import {
  ChevronDown,
  ChevronRight,
  Download,
  File,
  FileArchive,
  FileImage,
  FileMusic,
  FileText,
  FileVideo,
  type LucideIcon,
  Mail,
} from 'lucide-react'
import { useId, useRef, useState } from 'react'
import { api } from '../../contract/index.ts'
import { type Attachment, attachmentPath, attachmentsZipPath, type Message } from '../../contract/mail.ts'
import { addressOf, call } from '../platform/api-client.ts'
import { formatBytes, formatCount, formatNumber } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { visibleText } from '../platform/visible-text.ts'
import { Badge } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { fileRisk } from '../ui/file-risk.ts'
import { MessageSkeleton } from './mail-skeletons.tsx'
import { type BodyKind, MessageBody } from './message-body.tsx'
import { MessageHead } from './message-head.tsx'
import { SourceActions } from './message-source.tsx'
import { ProtectionNotes } from './protection-notes.tsx'

const icons: readonly [RegExp, LucideIcon][] = [
  [/^image\//, FileImage],
  [/^audio\//, FileMusic],
  [/^video\//, FileVideo],
  [/^message\//, Mail],
  [/zip|tar|compressed/, FileArchive],
  [/^text\/|pdf|document/, FileText],
]
/** Maximum nesting of attached messages that open on the page; deeper ones can be downloaded. */
const maxDepth = 5

export function AttachmentList({
  accountId,
  message: { ref, attachments, attachment_count: count },
  depth = 0,
}: {
  accountId: string
  message: Pick<Message, 'ref' | 'attachments' | 'attachment_count'>
  /** How many messages this one is nested in. */
  depth?: number
}) {
  const id = useId()
  const [openRefs, setOpenRefs] = useState<readonly string[]>([])
  // On phones the text comes first: several attachments start collapsed.
  const isFolded = attachments.length > 1
  const [isUnfolded, setUnfolded] = useState(false)
  if (attachments.length === 0) return null
  const bytes = attachments.reduce((sum, { size_bytes: size }) => sum + size, 0)
  const toggle = (messageRef: string) =>
    setOpenRefs(refs => (refs.includes(messageRef) ? refs.filter(each => each !== messageRef) : [...refs, messageRef]))
  return (
    <>
      <section aria-labelledby={id} className="grid shrink-0 grid-cols-1 gap-1.5 border-b px-4 py-2.5">
        <div className="flex flex-wrap items-center gap-x-2 text-xs">
          <h3 id={id} className="text-muted">
            {formatCount(count, 'attachment')}
            {count > attachments.length && `, the first ${formatNumber(attachments.length)} listed`},{' '}
            {formatBytes(bytes)} as sent
          </h3>
          {isFolded && (
            <button
              type="button"
              aria-expanded={isUnfolded}
              onClick={() => setUnfolded(!isUnfolded)}
              className="min-h-6 rounded-sm font-medium text-accent md:hidden"
            >
              {isUnfolded ? 'Hide attachments' : 'Show attachments'}
            </button>
          )}
          {attachments.length > 1 && (
            <a
              href={addressOf(attachmentsZipPath, { account_id: accountId, ref }, {})}
              download
              className="inline-flex min-h-6 items-center rounded-sm font-medium text-accent"
            >
              Save all
            </a>
          )}
        </div>
        <ul className={classNames('flex flex-wrap gap-1.5', isFolded && !isUnfolded && 'max-md:hidden')}>
          {attachments.map(attachment => (
            <AttachmentItem
              key={attachment.id}
              attachment={depth < maxDepth ? attachment : { ...attachment, message_ref: null }}
              href={addressOf(attachmentPath, { account_id: accountId, ref, attachment_id: attachment.id }, {})}
              isOpen={attachment.message_ref !== null && openRefs.includes(attachment.message_ref)}
              onToggle={toggle}
            />
          ))}
        </ul>
      </section>
      {openRefs.map(messageRef => (
        <AttachedMessage key={messageRef} accountId={accountId} messageRef={messageRef} depth={depth + 1} />
      ))}
    </>
  )
}

function AttachmentItem({
  attachment: { id, name, type, size_bytes: sizeBytes, is_inline: isInline, message_ref: messageRef },
  href,
  isOpen,
  onToggle,
}: {
  attachment: Attachment
  href: string
  isOpen: boolean
  onToggle(messageRef: string): void
}) {
  const Icon = icons.find(([pattern]) => pattern.test(type))?.[1] ?? File
  const Arrow = isOpen ? ChevronDown : ChevronRight
  const isCalendar = type === 'text/calendar'
  const words = name === null ? wordsWithoutName(messageRef !== null, isCalendar) : visibleText(name)
  const risk = fileRisk(name, type)
  const fileName = name ?? (messageRef === null ? `part-${id}${isCalendar ? '.ics' : ''}` : `message-${id}.eml`)
  const label = (
    <span className="min-w-0 text-start">
      <bdi className="block truncate text-sm" title={name === null ? undefined : visibleText(name)}>
        {words}
      </bdi>
      <span className="block truncate text-xs text-muted">
        <bdi>{visibleText(type)}</bdi>, {formatBytes(sizeBytes)}
        {isInline && ', in the text'}
      </span>
      {risk && <Badge tone={risk.tone}>{risk.text}</Badge>}
    </span>
  )
  return (
    <li className="flex max-w-full min-w-0 items-stretch rounded-md border">
      {messageRef !== null && (
        <button
          type="button"
          aria-expanded={isOpen}
          onClick={() => onToggle(messageRef)}
          className="flex min-w-0 items-center gap-2 rounded-s-md border-e px-2.5 py-1.5 hover:bg-sunken"
        >
          <Arrow className="size-4 shrink-0 text-muted" aria-hidden="true" />
          {label}
        </button>
      )}
      <a
        href={href}
        download={fileName}
        aria-label={`Download ${words}${risk ? `: ${risk.text}` : ''}`}
        className="flex min-h-9 min-w-0 items-center gap-2 rounded-md px-2.5 py-1.5 hover:bg-sunken"
      >
        {messageRef === null && <Icon className="size-4 shrink-0 text-muted" aria-hidden="true" />}
        {messageRef === null && label}
        <Download className="size-4 shrink-0 text-muted" aria-hidden="true" />
      </a>
    </li>
  )
}

function wordsWithoutName(isMessage: boolean, isCalendar: boolean): string {
  if (isMessage) return 'Attached message'
  return isCalendar ? 'Calendar entry' : 'Unnamed'
}

/** An attached message, opened below its row. */
function AttachedMessage({ accountId, messageRef, depth }: { accountId: string; messageRef: string; depth: number }) {
  const heading = useRef<HTMLHeadingElement>(null)
  const [preferred, setPreferred] = useState<BodyKind>('html')
  const { data, error, refetch } = useQuery({
    queryKey: queryKeys.message(accountId, messageRef),
    queryFn: ({ signal }) => call(api.mail.getMessage, { params: { account_id: accountId, ref: messageRef }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (!data && error) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <MessageSkeleton />
  // Its own flags and date are unknown; the ones returned belong to the enclosing message.
  const own: Message = { ...data, flags: ['seen'], date: data.sent_at ?? data.date }
  return (
    <article aria-label="An attached message" className="ms-2 flex shrink-0 flex-col border-s-4 border-b">
      <MessageHead message={own} heading={heading}>
        <SourceActions accountId={accountId} messageRef={messageRef} />
      </MessageHead>
      <ProtectionNotes message={data} />
      <AttachmentList accountId={accountId} message={data} depth={depth} />
      <MessageBody accountId={accountId} message={data} preferred={preferred} onPrefer={setPreferred} />
    </article>
  )
}
