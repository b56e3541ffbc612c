/** /api/v1/proposals: what tokens propose, what it would change, and the decisions about it. */
import { proposalsApi } from '../../contract/proposals.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { ProposalDiff } from './proposal-diff.ts'
import type { ProposalService } from './proposal-service.ts'

export interface ProposalParts {
  proposals: ProposalService
  diff: ProposalDiff
}

export function proposalRoutes(http: HttpServer, { proposals, diff }: ProposalParts): void {
  handle(http, proposalsApi.listProposals, ({ principal, query }) => proposals.list(principal, query))
  handle(http, proposalsApi.getProposal, ({ principal, params }) => proposals.get(principal, params.proposal_id))
  handle(http, proposalsApi.listProposedChanges, ({ principal, params, query, signal }) =>
    diff.list(principal, params.proposal_id, query, signal),
  )
  handle(http, proposalsApi.applyProposal, async call => {
    const decision = await proposals.apply(call.principal, call.params.proposal_id, call.body.items)
    call.note(notesOf(decision))
    return decision
  })
  handle(http, proposalsApi.declineProposal, async call => {
    const { items, reason } = call.body
    const decision = await proposals.decline(call.principal, call.params.proposal_id, items, reason)
    call.note(notesOf(decision))
    return decision
  })
  handle(http, proposalsApi.withdrawProposal, async call => {
    const decision = await proposals.withdraw(call.principal, call.params.proposal_id, call.body.items)
    call.note(notesOf(decision))
    return decision
  })
}

function notesOf({ proposal, results }: Awaited<ReturnType<ProposalService['apply']>>) {
  const done = results.filter(({ code }) => code === null)
  return { account_id: proposal.account_id, items: String(done.length), left_out: String(results.length - done.length) }
}
