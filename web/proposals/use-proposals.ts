/** Proposals, their changes, and decisions. A decision names the hashes that were reviewed. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ProposalDecision, ProposalState } from '../../contract/proposal.ts'
import { proposalsApi } from '../../contract/proposals.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'

/** Page size, the maximum that the server allows. */
const changesAtOnce = '100'
const decidedStates = ['applied', 'partial', 'declined', 'expired'] as const satisfies readonly ProposalState[]

/** Returns the open proposals, kept fresh by facts; only for users who may open the page of approvals. */
export function useOpenProposals() {
  const maySee = useMay('mail:draft')
  return useQuery({
    queryKey: queryKeys.proposalsIn('open'),
    queryFn: ({ signal }) => call(proposalsApi.listProposals, { query: { state: 'open', limit: '100' }, signal }),
    enabled: maySee,
  })
}

/** Returns the newest proposals of which nothing is pending. */
export function useDecidedProposals(isAsked: boolean) {
  return useQuery({
    queryKey: queryKeys.proposalsIn('decided'),
    queryFn: async ({ signal }) => {
      const lists = await Promise.all(
        decidedStates.map(state => call(proposalsApi.listProposals, { query: { state, limit: '50' }, signal })),
      )
      return lists.flatMap(list => list.items)
    },
    enabled: isAsked,
  })
}

export function useProposal(proposalId: string) {
  return useQuery({
    queryKey: queryKeys.proposal(proposalId),
    queryFn: ({ signal }) => call(proposalsApi.getProposal, { params: { proposal_id: proposalId }, signal }),
  })
}

/** Returns the first changes of the whole proposal in one call, however many items it has. */
export function useFirstChanges(proposalId: string, isAsked: boolean) {
  return useQuery({
    queryKey: queryKeys.proposedChanges(proposalId, 'first'),
    queryFn: ({ signal }) =>
      call(proposalsApi.listProposedChanges, {
        params: { proposal_id: proposalId },
        query: { limit: changesAtOnce },
        signal,
      }),
    enabled: isAsked,
  })
}

/** Returns all changes of one item, page by page. */
export function useItemChanges(proposalId: string, itemId: string) {
  return useInfiniteQuery({
    queryKey: queryKeys.proposedChanges(proposalId, itemId),
    queryFn: ({ pageParam, signal }) =>
      call(proposalsApi.listProposedChanges, {
        params: { proposal_id: proposalId },
        query: { item_id: itemId, limit: changesAtOnce, ...(pageParam && { cursor: pageParam }) },
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: ({ next_cursor: next }) => next,
  })
}

export interface ChosenItem {
  id: string
  hash: string
}

/** @param onDecided Called even if the component has been unmounted. */
export function useApplyItems(proposalId: string, onDecided: (decision: ProposalDecision) => void) {
  const decided = useDecided(proposalId, onDecided)
  return useMutation({
    mutationFn: (items: readonly ChosenItem[]) =>
      call(proposalsApi.applyProposal, { params: { proposal_id: proposalId }, body: { items: [...items] } }),
    ...decided,
  })
}

/** @param onDecided Called even if the component has been unmounted. */
export function useDeclineItems(proposalId: string, onDecided: (decision: ProposalDecision) => void) {
  const decided = useDecided(proposalId, onDecided)
  return useMutation({
    mutationFn: ({ items, reason }: { items: readonly ChosenItem[]; reason: string }) =>
      call(proposalsApi.declineProposal, {
        params: { proposal_id: proposalId },
        body: { items: [...items], ...(reason && { reason }) },
      }),
    ...decided,
  })
}

function useDecided(proposalId: string, onDecided: (decision: ProposalDecision) => void) {
  const queries = useQueryClient()
  return {
    onSuccess: (decision: ProposalDecision) => {
      queries.setQueryData(queryKeys.proposal(proposalId), decision.proposal)
      onDecided(decision)
    },
    // The stream would do so too, but it may be down.
    onSettled: () => {
      for (const queryKey of [queryKeys.proposals, queryKeys.approvals, queryKeys.outbox, queryKeys.operations]) {
        // A failed reload shows in the panel that needs it.
        void queries.invalidateQueries({ queryKey })
      }
    },
  }
}
