/** One message in the list. */
import { CornerUpLeft, Paperclip, Star, TriangleAlert } from 'lucide-react'
import { memo } from 'react'
import { Link } from 'wouter'
import type { MessageSummary, SenderWarning } from '../../contract/mail.ts'
import { formatDateTime } from '../platform/format.ts'
import { Badge } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { KeywordBadges } from './keyword-badges.tsx'
import {
  addressWords,
  formatMailTime,
  namesOf,
  subjectOf,
  visibleText,
  warningWords,
  wordsOfFaults,
} from './mail-words.ts'

/** Whose addresses stand in the list; the open message names all. */
const mostSenders = 3

export const rowSelector = 'a[data-ref]'

export const MessageRow = memo(function MessageRow({
  message,
  href,
  nowMs,
  isOpen,
  isTabStop,
  isOutgoing,
  onFocus,
}: {
  message: MessageSummary
  href: string
  nowMs: number
  isOpen: boolean
  isTabStop: boolean
  /** Whether the recipient says more than the sender. */
  isOutgoing: boolean
  onFocus(ref: string): void
}) {
  const { ref, flags, keywords, from, to, date, faults, ...rest } = message
  const { sender_warnings: warnings, has_attachments: hasAttachments } = rest
  const isUnread = !flags.includes('seen')
  const atMs = Date.parse(date)
  const who = isOutgoing
    ? `To ${namesOf(to, message.to_count, 'nobody')}`
    : namesOf(from, message.from_count, 'Unknown sender')
  return (
    <Link
      href={href}
      data-ref={ref}
      aria-current={isOpen ? 'true' : undefined}
      tabIndex={isTabStop ? 0 : -1}
      onFocus={() => onFocus(ref)}
      className={classNames(
        'grid grid-cols-1 gap-0.5 border-b py-2 pr-3 pl-6 focus-visible:-outline-offset-2',
        isOpen ? 'bg-accent-tint' : 'hover:bg-sunken/60',
      )}
    >
      <span className="relative flex items-baseline gap-2">
        {isUnread && (
          <span className="unread-dot absolute top-1.5 -left-4 size-2 rounded-full bg-accent-fill">
            <span className="sr-only">Unread</span>
          </span>
        )}
        <span dir="auto" className={classNames('min-w-0 flex-1 truncate text-left', isUnread && 'font-semibold')}>
          <bdi>{who}</bdi>
        </span>
        <time dateTime={date} title={formatDateTime(atMs)} className="shrink-0 text-xs text-muted">
          {formatMailTime(atMs, nowMs)}
        </time>
      </span>
      <span className="flex items-center gap-2 text-sm">
        <span
          dir="auto"
          className={classNames('min-w-0 flex-1 truncate text-left', isUnread ? 'font-medium text-ink' : 'text-soft')}
        >
          <bdi className={flags.includes('deleted') ? 'line-through' : undefined}>{subjectOf(message)}</bdi>
        </span>
        <span className="flex shrink-0 items-center gap-1.5 text-xs text-muted">
          <KeywordBadges keywords={keywords} most={2} />
          {flags.includes('deleted') && <Badge tone="unknown">Deleted</Badge>}
          {flags.includes('draft') && <Badge tone="info">Draft</Badge>}
          {flags.includes('answered') && <Mark icon={CornerUpLeft} label="Answered" />}
          {flags.includes('flagged') && <Mark icon={Star} label="Flagged" isStrong />}
          {hasAttachments && <Mark icon={Paperclip} label="Has attachments" />}
          {faults.length > 0 && <Mark icon={TriangleAlert} label={wordsOfFaults(faults)} isWarning />}
        </span>
      </span>
      {message.preview && (
        <span dir="auto" className="truncate text-left text-xs text-muted">
          <bdi>{visibleText(message.preview)}</bdi>
        </span>
      )}
      {!isOutgoing && warnings.length > 0 && <TrueSender from={from} warnings={warnings} />}
    </Link>
  )
})

/** On a line of its own, so that no name pushes the address out, and no end of it is cut off. */
function TrueSender({ from, warnings }: { from: MessageSummary['from']; warnings: readonly SenderWarning[] }) {
  const addresses = from.slice(0, mostSenders).map(({ email }) => addressWords(email) || 'none')
  return (
    <span
      className="flex items-start gap-1.5 text-xs text-warn"
      title={warnings.map(each => warningWords[each]).join(' ')}
    >
      <TriangleAlert className="mt-0.5 size-3.5 shrink-0" aria-hidden="true" />
      <span className="min-w-0 wrap-anywhere">
        Suspicious sender, real address: <bdi>{addresses.join(', ')}</bdi>
      </span>
    </span>
  )
}

function Mark({
  icon: Icon,
  label,
  isStrong = false,
  isWarning = false,
}: {
  icon: typeof Star
  label: string
  isStrong?: boolean
  isWarning?: boolean
}) {
  const look = classNames('size-3.5', isStrong && 'fill-current text-warn', isWarning && 'text-warn')
  return (
    <span title={label}>
      <Icon className={look} aria-hidden="true" />
      <span className="sr-only">{label}</span>
    </span>
  )
}
