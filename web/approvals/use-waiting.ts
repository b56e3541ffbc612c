/** What waits for a human's yes: messages, proposals and permission prompts of agents, kept current by facts. */
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
    /** Undefined until both are known: what is in a proposal is not to stand beside it. */
    queue: isKnown ? queueOf(approvals.data.items, proposals.data?.items) : undefined,
    prompts,
    count: waitingCount({ approvals: approvals.data, proposals: proposals.data }) + prompts.length,
    /** Of what is missing; while something is known, the page says by itself that it may be stale. */
    error: (approvals.data ? null : approvals.error) ?? (proposals.data ? null : proposals.error),
    refetch: () => Promise.all([approvals.refetch(), proposals.refetch()]),
  }
}

/** How many wait, for those who look elsewhere. */
export function useWaitingCount(): number {
  const approvals = useWaitingApprovals().data
  const proposals = useOpenProposals().data
  const prompts = usePermissionPrompts().data?.items.length ?? 0
  return waitingCount({ approvals, proposals }) + prompts
}
