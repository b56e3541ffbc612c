/** A note above a draft that belongs to a proposal: who wrote it, and where to decide it. */
import { ListChecks } from 'lucide-react'
import type { Draft } from '../../contract/draft.ts'
import { visibleText } from '../platform/visible-text.ts'
import { ButtonLink } from '../ui/button.tsx'

export function ProposedNote({ draft: { id, proposal_id: proposalId, created_by: by } }: { draft: Draft }) {
  if (proposalId === null) return null
  return (
    <p className="flex shrink-0 flex-wrap items-center gap-3 border-b bg-info-tint px-4 py-2 text-sm">
      <span className="min-w-0 grow basis-52 wrap-anywhere">
        This draft is part of a proposal by <bdi>{visibleText(by.name)}</bdi>.
      </span>
      <ButtonLink
        href={`/approvals?${new URLSearchParams({ open: proposalId, item: id })}`}
        size="sm"
        icon={ListChecks}
      >
        Open the proposal
      </ButtonLink>
    </p>
  )
}
