/** Decided messages and proposals, newest first. */
import { useDecidedProposals } from '../proposals/use-proposals.ts'
import type { Decided } from './approval-list.tsx'
import { useDecidedApprovals } from './use-approvals.ts'
import { isAlone } from './waiting-queue.ts'

const mostShown = 100

export function useDecided(isAsked: boolean) {
  const approvals = useDecidedApprovals(isAsked)
  const proposals = useDecidedProposals(isAsked)
  const isKnown = approvals.data !== undefined && proposals.data !== undefined
  const items: Decided[] | undefined = isKnown
    ? [
        ...approvals.data.items.filter(isAlone).map(item => ({ kind: 'message' as const, item })),
        ...proposals.data.map(item => ({ kind: 'proposal' as const, item })),
      ]
        .toSorted((one, other) => other.item.created_at.localeCompare(one.item.created_at))
        .slice(0, mostShown)
    : undefined
  return {
    items,
    error: isKnown ? null : (approvals.error ?? proposals.error),
    refetch: () => Promise.all([approvals.refetch(), proposals.refetch()]),
  }
}
