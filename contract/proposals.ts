/** Change sets of tokens in mode `propose`: read, applied completely or in part, declined or withdrawn. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import {
  ChosenItems,
  DecisionReason,
  Proposal,
  ProposalDecision,
  ProposalDetail,
  ProposalId,
  ProposalState,
  ProposedChange,
  proposalBounds,
} from './proposal.ts'
import { AccountId, Cursor, Limit } from './wire.ts'

export * from './proposal.ts'

const tag = 'Proposals'
const path = '/api/v1/proposals'
const one = z.object({ proposal_id: ProposalId })
const decided = [
  'session_needed',
  'proposal_not_found',
  'frozen',
  'recent_sign_in_required',
  'four_eyes_needed',
] as const

export const proposalsApi = {
  listProposals: endpoint({
    method: 'GET',
    path,
    tag,
    summary: 'List proposals, open ones first, oldest first',
    description: 'A token sees its own proposals; users those of their accounts.',
    scope: 'mail:meta',
    effect: 'read',
    query: z.strictObject({
      state: ProposalState.optional(),
      account_id: AccountId.optional(),
      limit: Limit,
      cursor: Cursor,
    }),
    response: z.object({ items: z.array(Proposal), next_cursor: z.string().nullable(), open: z.int() }),
    problems: ['account_not_found'],
  }),
  getProposal: endpoint({
    method: 'GET',
    path: `${path}/{proposal_id}`,
    tag,
    summary: 'Get a proposal with its items',
    description: 'Reading never applies anything.',
    scope: 'mail:meta',
    effect: 'read',
    params: one,
    response: ProposalDetail,
    problems: ['proposal_not_found'],
  }),
  listProposedChanges: endpoint({
    method: 'GET',
    path: `${path}/{proposal_id}/changes`,
    tag,
    summary: 'List what a proposal would change, message by message, with the current state',
    scope: 'mail:meta',
    effect: 'read',
    params: one,
    query: z.strictObject({
      item_id: z.string().min(1).max(40).optional().describe('Only of this item'),
      limit: Limit,
      cursor: Cursor,
    }),
    response: z.object({
      items: z.array(ProposedChange).max(proposalBounds.changes),
      next_cursor: z.string().nullable(),
      total: z.int(),
    }),
    problems: ['proposal_not_found'],
  }),
  applyProposal: endpoint({
    method: 'POST',
    path: `${path}/{proposal_id}/apply`,
    tag,
    summary: 'Apply items of a proposal, exactly as they were shown',
    description: [
      'Users only. Each item needs what doing it needs: `mail:organize`, `mail:delete`, `mail:draft`, or `mail:send` and the rules of approvals. An item that changed since has another hash and',
      'is left out, with the reason in `results`.',
    ].join(' '),
    callers: 'session',
    scope: 'mail:meta',
    effect: 'send',
    params: one,
    body: z.strictObject({ items: ChosenItems }),
    response: ProposalDecision,
    problems: decided,
  }),
  declineProposal: endpoint({
    method: 'POST',
    path: `${path}/{proposal_id}/decline`,
    tag,
    summary: 'Decline items of a proposal, with a reason that the proposing caller can read',
    description: 'Users only.',
    callers: 'session',
    scope: 'mail:meta',
    effect: 'write',
    params: one,
    body: z.strictObject({ items: ChosenItems, reason: DecisionReason.optional() }),
    response: ProposalDecision,
    problems: ['session_needed', 'proposal_not_found'],
  }),
  withdrawProposal: endpoint({
    method: 'POST',
    path: `${path}/{proposal_id}/withdraw`,
    tag,
    summary: 'Withdraw items that the caller itself proposed',
    scope: 'mail:meta',
    effect: 'write',
    params: one,
    body: z.strictObject({ items: ChosenItems }),
    response: ProposalDecision,
    problems: ['proposal_not_found'],
  }),
}
