/** Pending items in one queue, oldest first: proposals, and groups of messages that belong to none. */
import type { Approval } from '../../contract/approvals.ts'
import type { Proposal } from '../../contract/proposal.ts'
import { type ApprovalGroup, groupApprovals } from './approval-words.ts'

export type QueueEntry =
  | { kind: 'proposal'; id: string; at: string; proposal: Proposal }
  | { kind: 'messages'; id: string; at: string; group: ApprovalGroup }

/** Returns whether a message belongs to no proposal; others are shown inside theirs. */
export function isAlone({ proposal_id: proposalId }: Pick<Approval, 'proposal_id'>): boolean {
  return proposalId === null
}

/**
 * Builds the queue.
 * @param proposals Undefined if they cannot be loaded; then each message is listed by itself, so that none is out of
 * reach.
 */
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

/** Returns the ids of the entries that can be opened, in order. */
export function idsOf(queue: readonly QueueEntry[]): string[] {
  return queue.flatMap(entry => (entry.kind === 'proposal' ? [entry.id] : entry.group.items.map(({ id }) => id)))
}

interface Lists {
  approvals: { items: readonly Approval[]; waiting: number } | undefined
  proposals: { open: number } | undefined
}

/** Counts each proposal, and each message that belongs to none, for titles and badges. */
export function waitingCount({ approvals, proposals }: Lists): number {
  const { items = [], waiting = 0 } = approvals ?? {}
  // Messages past the first page; whether they belong to a proposal is unknown here.
  const further = Math.max(waiting - items.length, 0)
  return items.filter(isAlone).length + further + (proposals?.open ?? 0)
}
