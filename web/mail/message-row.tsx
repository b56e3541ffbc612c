/** One row of the list: a message, or a thread represented by its newest message. */
import { CornerUpLeft, Paperclip, Star, TriangleAlert } from 'lucide-react'
import { type MouseEvent, memo } from 'react'
import { Link } from 'wouter'
import type { MessageSummary, SenderWarning } from '../../contract/mail.ts'
import { formatCount, formatDateTime, formatNumber } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { Badge } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { addressWords, namesOf } from './address-words.ts'
import { KeywordBadges } from './keyword-badges.tsx'
import type { MailRow } from './mail-row.ts'
import { formatMailTime, subjectOf, warningWords, wordsOfFaults } from './mail-words.ts'
import { MarkedText } from './marked-text.tsx'

/** Maximum senders listed in a row; the open message names all. */
const mostSenders = 3

export const rowSelector = 'a[data-ref]'

export interface RowActions {
  onFocus(key: string): void
  onSelect(key: string, isRange: boolean): void
}

export const MessageRow = memo(function MessageRow({
  row,
  href,
  nowMs,
  isOpen,
  isTabStop,
  isSelected,
  isSelecting,
  isOutgoing,
  place,
  actions,
}: {
  row: MailRow
  href: string
  nowMs: number
  isOpen: boolean
  isTabStop: boolean
  isSelected: boolean
  /** Whether any row is selected. */
  isSelecting: boolean
  /** Whether to show the recipient instead of the sender. */
  isOutgoing: boolean
  /** The folder or account, in lists over several of them. */
  place: string | undefined
  actions: RowActions
}) {
  const { key, message, unread, snippet } = row
  const { ref, flags, from, to, sender_warnings: warnings } = message
  const isUnread = unread > 0
  const who = isOutgoing
    ? `To ${namesOf(to, message.to_count, 'nobody')}`
    : namesOf(from, message.from_count, 'Unknown sender')
  const selectRange = (event: MouseEvent) => {
    // The checkbox handles Shift itself.
    if (!event.shiftKey || event.target instanceof HTMLInputElement) return
    event.preventDefault()
    actions.onSelect(key, true)
  }
  const preview = snippet ?? message.preview
  return (
    // Shift-click on a link opens a window in browsers, so the row handles it first, in the capture phase.
    <div
      className={classNames('group/row relative h-full border-b', lookOf(isOpen, isSelected))}
      onClickCapture={selectRange}
    >
      <Link
        href={href}
        data-ref={ref}
        data-key={key}
        aria-current={isOpen ? 'true' : undefined}
        tabIndex={isTabStop ? 0 : -1}
        onFocus={() => actions.onFocus(key)}
        className="flex h-full flex-col justify-center gap-px py-1.5 pr-3 pl-9 select-none focus-visible:-outline-offset-2"
      >
        {isUnread && (
          <span
            className={classNames(
              'unread-dot pointer-events-none absolute top-3 left-3.5 size-2 rounded-full bg-accent-fill',
              isSelecting
                ? 'opacity-0'
                : 'group-hover/row:opacity-0 group-has-[input:focus-visible]/row:opacity-0 pointer-coarse:opacity-0',
            )}
          >
            <span className="sr-only">Unread</span>
          </span>
        )}
        <span className="flex items-baseline gap-2">
          <span dir="auto" className={classNames('min-w-0 truncate text-left', isUnread && 'font-semibold')}>
            <bdi>{who}</bdi>
          </span>
          <ThreadCount count={row.count} />
          <Time date={message.date} nowMs={nowMs} isUnread={isUnread} />
        </span>
        <span className="flex items-center gap-2 text-sm">
          <span
            dir="auto"
            className={classNames('min-w-0 flex-1 truncate text-left', isUnread ? 'font-medium text-ink' : 'text-soft')}
          >
            <bdi className={flags.includes('deleted') ? 'line-through' : undefined}>{subjectOf(message)}</bdi>
          </span>
          <Marks message={message} place={place} />
        </span>
        {preview && (
          <span dir="auto" className="truncate text-left text-xs text-muted">
            <bdi>
              <MarkedText text={preview} marks={row.marks} />
            </bdi>
          </span>
        )}
        {!isOutgoing && warnings.length > 0 && <TrueSender from={from} warnings={warnings} />}
      </Link>
      <input
        type="checkbox"
        aria-label={`Select ${subjectOf(message)}`}
        tabIndex={isTabStop ? 0 : -1}
        checked={isSelected}
        onClick={event => actions.onSelect(key, event.shiftKey)}
        onChange={() => undefined}
        className={classNames(
          'absolute top-2.5 left-2.5 size-4 accent-accent-fill group-hover/row:opacity-100 focus-visible:opacity-100',
          !isSelecting && 'opacity-0 pointer-coarse:opacity-100',
        )}
      />
    </div>
  )
})

function lookOf(isOpen: boolean, isSelected: boolean): string {
  if (isOpen) return 'bg-accent-tint'
  return isSelected ? 'bg-sunken' : 'hover:bg-sunken/60'
}

function ThreadCount({ count }: { count: number }) {
  if (count < 2) return null
  return (
    <span className="shrink-0 rounded-sm bg-sunken px-1 text-2xs text-soft" title={formatCount(count, 'message')}>
      {formatNumber(count)}
      <span className="sr-only"> messages</span>
    </span>
  )
}

function Time({ date, nowMs, isUnread }: { date: string; nowMs: number; isUnread: boolean }) {
  const atMs = Date.parse(date)
  return (
    <time
      dateTime={date}
      title={formatDateTime(atMs)}
      className={classNames('ml-auto shrink-0 text-xs', isUnread ? 'font-medium text-accent' : 'text-muted')}
    >
      {formatMailTime(atMs, nowMs)}
    </time>
  )
}

function Marks({ message, place }: { message: MessageSummary; place: string | undefined }) {
  const { flags, keywords, faults, has_attachments: hasAttachments } = message
  return (
    <span className="flex shrink-0 items-center gap-1.5 text-xs text-muted">
      {place !== undefined && (
        <Badge>
          <bdi className="max-w-28 truncate">{visibleText(place)}</bdi>
        </Badge>
      )}
      <KeywordBadges keywords={keywords} most={2} />
      {flags.includes('deleted') && <Badge tone="unknown">Deleted</Badge>}
      {flags.includes('draft') && <Badge tone="info">Draft</Badge>}
      {flags.includes('answered') && <Mark icon={CornerUpLeft} label="Answered" />}
      {flags.includes('flagged') && <Mark icon={Star} label="Flagged" isStrong />}
      {hasAttachments && <Mark icon={Paperclip} label="Has attachments" />}
      {faults.length > 0 && <Mark icon={TriangleAlert} label={wordsOfFaults(faults)} isWarning />}
    </span>
  )
}

/** The real address of a suspicious sender, on its own line, so that no long name hides or truncates it. */
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
