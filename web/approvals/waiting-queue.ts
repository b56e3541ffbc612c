/** What waits for a human's yes in one queue, oldest first: proposals, and messages that are in none, in their groups. */
import type { Approval } from '../../contract/approvals.ts'
import type { Proposal } from '../../contract/proposal.ts'
import { type ApprovalGroup, groupApprovals } from './approval-words.ts'

export type QueueEntry =
  | { kind: 'proposal'; id: string; at: string; proposal: Proposal }
  | { kind: 'messages'; id: string; at: string; group: ApprovalGroup }

/** A message of a proposal stands in it, and not beside it. */
export function isAlone({ proposal_id: proposalId }: Pick<Approval, 'proposal_id'>): boolean {
  return proposalId === null
}

/** @param proposals Undefined where they cannot be had: then each message stands for itself, so that none is out of reach. */
export function queueOf(approvals: readonly Approval[], proposals: readonly Proposal[] | undefined): QueueEntry[] {
  const messages = groupApprovals(proposals ? approvals.filter(isAlone) : approvals).map(group => ({
    kind: 'messages' as const,
    id: group.key,
    at: group.items.map(item => item.created_at).reduce((one, other) => (one < other ? one : other)),
    group,
  }))
  const changes = (proposals ?? []).map(proposal => ({
    kind: 'proposal' as const,
    id: proposal.id,
    at: proposal.created_at,
    proposal,
  }))
  return [...messages, ...changes].toSorted((one, other) => one.at.localeCompare(other.at))
}

/** Those that can be opened, from the top. */
export function idsOf(queue: readonly QueueEntry[]): string[] {
  return queue.flatMap(entry => (entry.kind === 'proposal' ? [entry.id] : entry.group.items.map(({ id }) => id)))
}

interface Lists {
  approvals: { items: readonly Approval[]; waiting: number } | undefined
  proposals: { open: number } | undefined
}

/** In the title and on badges: each proposal once, and each message that is in none. */
export function waitingCount({ approvals, proposals }: Lists): number {
  const { items = [], waiting = 0 } = approvals ?? {}
  // More than a page holds: of those nobody knows here whether they are in a proposal.
  const further = Math.max(waiting - items.length, 0)
  return items.filter(isAlone).length + further + (proposals?.open ?? 0)
}
