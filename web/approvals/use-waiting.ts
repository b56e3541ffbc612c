/** Everything that is pending: messages, proposals and permission prompts, kept fresh by facts. */
import { useOpenProposals } from '../proposals/use-proposals.ts'
import { useWaitingApprovals } from './use-approvals.ts'
import { usePermissionPrompts } from './use-permission-prompts.ts'
import { queueOf, waitingCount } from './waiting-queue.ts'

export function useWaiting() {
  const approvals = useWaitingApprovals()
  const proposals = useOpenProposals()
  const prompts = usePermissionPrompts().data?.items ?? []
  const isKnown = approvals.data !== undefined && (proposals.data !== undefined || proposals.isError)
  return {
    /** Undefined until both lists are loaded, so that a message is not shown beside its own proposal. */
    queue: isKnown ? queueOf(approvals.data.items, proposals.data?.items) : undefined,
    prompts,
    count: waitingCount({ approvals: approvals.data, proposals: proposals.data }) + prompts.length,
    /** The error of a list that is missing; a stale list is reported by the page itself. */
    error: (approvals.data ? null : approvals.error) ?? (proposals.data ? null : proposals.error),
    refetch: () => Promise.all([approvals.refetch(), proposals.refetch()]),
  }
}

/** Returns the number of pending items, for badges and titles. */
export function useWaitingCount(): number {
  const approvals = useWaitingApprovals().data
  const proposals = useOpenProposals().data
  const prompts = usePermissionPrompts().data?.items.length ?? 0
  return waitingCount({ approvals, proposals }) + prompts
}
