/** One proposal in the list of pending or decided items. */
import { Link } from 'wouter'
import type { Proposal } from '../../contract/proposal.ts'
import { ListTime } from '../approvals/list-time.tsx'
import { formatCount } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { askWords, proposalStates, titleOfProposal } from './proposal-words.ts'

export function ProposalRow({ proposal, isOpen, show }: { proposal: Proposal; isOpen: boolean; show: '' | 'decided' }) {
  const { id, proposes, counts, state, created_at: createdAt, expires_at: expiresAt } = proposal
  const { tone, text } = proposalStates[state]
  const search = new URLSearchParams({ ...(show && { show }), open: id })
  return (
    <Link
      href={`/approvals?${search}`}
      aria-current={isOpen ? 'true' : undefined}
      data-proposal={id}
      className={classNames(
        'grid min-h-11 grid-cols-1 gap-0.5 px-4 py-2.5 text-sm focus-visible:-outline-offset-2',
        isOpen ? 'bg-accent-tint' : 'hover:bg-sunken/60',
      )}
    >
      <span className="flex items-baseline justify-between gap-2">
        <bdi className="truncate font-semibold">{titleOfProposal(proposal)}</bdi>
        <span className="shrink-0 text-xs text-muted">
          <ListTime at={createdAt} />
        </span>
      </span>
      <span className="truncate text-soft">
        <bdi>{visibleText(proposes.name)}</bdi> proposes, {askWords(proposal)}
      </span>
      <span className="flex flex-wrap items-center gap-1.5 text-xs text-muted">
        {state === 'open' ? <Badge tone="info">Proposal</Badge> : <StatePill tone={tone}>{text}</StatePill>}
        <CountBadges counts={counts} />
        {expiresAt !== null && state === 'open' && (
          <span>
            Expires <ListTime at={expiresAt} />
          </span>
        )}
      </span>
    </Link>
  )
}

/** Badges for irreversible items. */
export function CountBadges({ counts: { sends, deletions } }: Pick<Proposal, 'counts'>) {
  return (
    <>
      {sends > 0 && <Badge tone="warn">Sends {formatCount(sends, 'message')}</Badge>}
      {deletions > 0 && <Badge tone="bad">Deletes {formatCount(deletions, 'message')}</Badge>}
    </>
  )
}
