/** The rows of approvals: those that wait in groups, those that were decided by time. */
import { Link } from 'wouter'
import type { Approval } from '../../contract/approvals.ts'
import { visibleText } from '../mail/mail-words.ts'
import { useNow } from '../platform/clock.ts'
import { formatCount, formatDateTime, formatRelative } from '../platform/format.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { StatePill } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { approvalStates, groupApprovals, reasonsOf, recipientWords } from './approval-words.ts'

export function ApprovalGroups({ items, open }: { items: readonly Approval[]; open: string }) {
  return (
    <ul aria-live="polite" className="grid grid-cols-1">
      {groupApprovals(items).map(({ key, name, items: own }) => (
        <li key={key} className="border-b">
          {own.length > 1 && (
            <p className="flex justify-between gap-2 bg-sunken/50 px-4 py-1.5 text-xs text-muted">
              <bdi className="truncate font-medium text-soft">{name}</bdi>
              <span className="shrink-0">{formatCount(own.length, 'message')} that belong together</span>
            </p>
          )}
          <ul>
            {own.map(item => (
              <Row key={item.id} item={item} isOpen={item.id === open} show="" />
            ))}
          </ul>
        </li>
      ))}
    </ul>
  )
}

export function DecidedList({ items, open }: { items: readonly Approval[]; open: string }) {
  return (
    <ul className="grid grid-cols-1">
      {items.map(item => (
        <Row key={item.id} item={item} isOpen={item.id === open} show="decided" />
      ))}
    </ul>
  )
}

function Row({ item, isOpen, show }: { item: Approval; isOpen: boolean; show: '' | 'decided' }) {
  const { id, asks, submission, state, created_at: createdAt, expires_at: expiresAt } = item
  const [why] = reasonsOf(item)
  const { tone, text } = approvalStates[state]
  const search = new URLSearchParams({ ...(show && { show }), open: id })
  return (
    <li className="border-b last:border-b-0">
      <Link
        href={`/approvals?${search}`}
        aria-current={isOpen ? 'true' : undefined}
        data-approval={id}
        className={classNames(
          'grid min-h-11 grid-cols-1 gap-0.5 px-4 py-2.5 text-sm focus-visible:-outline-offset-2',
          isOpen ? 'bg-accent-tint' : 'hover:bg-sunken/60',
        )}
      >
        <span className="flex items-baseline justify-between gap-2">
          <bdi className="truncate font-semibold">{visibleText(submission.subject.trim()) || '(no subject)'}</bdi>
          <span className="shrink-0 text-xs text-muted">
            <Time at={createdAt} />
          </span>
        </span>
        <span className="truncate text-soft">
          <bdi>{asks.name}</bdi> to <bdi>{recipientWords(submission.recipients)}</bdi>
        </span>
        {show === '' && why !== undefined && <span className="truncate text-xs text-muted">{visibleText(why)}</span>}
        {show === '' && (
          <span className="text-xs text-muted">
            Expires <Time at={expiresAt} />
          </span>
        )}
        {show !== '' && (
          <span>
            <StatePill tone={tone}>{text}</StatePill>
          </span>
        )}
      </Link>
    </li>
  )
}

/** Inside a link nothing else takes the focus. */
function Time({ at }: { at: string }) {
  const { clockOffsetMs } = useLiveStatus()
  const now = useNow(1_000) + clockOffsetMs
  const atMs = Date.parse(at)
  return (
    <time dateTime={at} title={formatDateTime(atMs)}>
      {formatRelative(atMs, now)}
    </time>
  )
}
