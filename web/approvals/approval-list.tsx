/** Pending proposals and messages in groups, and decided ones by time. */
import { Link } from 'wouter'
import type { Approval } from '../../contract/approvals.ts'
import type { Proposal } from '../../contract/proposal.ts'
import { formatCount } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { ProposalRow } from '../proposals/proposal-row.tsx'
import { StatePill } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { type ApprovalGroup, approvalStates, reasonsOf, recipientWords } from './approval-words.ts'
import { ListTime } from './list-time.tsx'
import type { QueueEntry } from './waiting-queue.ts'

export function WaitingList({ queue, open }: { queue: readonly QueueEntry[]; open: string }) {
  return (
    <ul aria-live="polite" className="grid grid-cols-1">
      {queue.map(entry =>
        entry.kind === 'proposal' ? (
          <li key={entry.id} className="border-b">
            <ProposalRow proposal={entry.proposal} isOpen={entry.id === open} show="" />
          </li>
        ) : (
          <li key={entry.id} className="border-b">
            <Group group={entry.group} open={open} />
          </li>
        ),
      )}
    </ul>
  )
}

function Group({ group: { name, items }, open }: { group: ApprovalGroup; open: string }) {
  return (
    <>
      {items.length > 1 && (
        <p className="flex justify-between gap-2 bg-sunken/50 px-4 py-1.5 text-xs text-muted">
          <bdi className="truncate font-medium text-soft">{name}</bdi>
          <span className="shrink-0">{formatCount(items.length, 'message')} that belong together</span>
        </p>
      )}
      <ul>
        {items.map(item => (
          <Row key={item.id} item={item} isOpen={item.id === open} show="" />
        ))}
      </ul>
    </>
  )
}

export type Decided = { kind: 'message'; item: Approval } | { kind: 'proposal'; item: Proposal }

export function DecidedList({ items, open }: { items: readonly Decided[]; open: string }) {
  return (
    <ul className="grid grid-cols-1">
      {items.map(({ kind, item }) =>
        kind === 'message' ? (
          <Row key={item.id} item={item} isOpen={item.id === open} show="decided" />
        ) : (
          <li key={item.id} className="border-b last:border-b-0">
            <ProposalRow proposal={item} isOpen={item.id === open} show="decided" />
          </li>
        ),
      )}
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
            <ListTime at={createdAt} />
          </span>
        </span>
        <span className="truncate text-soft">
          <bdi>{asks.name}</bdi> to <bdi>{recipientWords(submission.recipients)}</bdi>
        </span>
        {show === '' && why !== undefined && <span className="truncate text-xs text-muted">{visibleText(why)}</span>}
        {show === '' && (
          <span className="text-xs text-muted">
            Expires <ListTime at={expiresAt} />
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
