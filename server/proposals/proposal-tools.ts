/** What a model proposed, and what humans decided about it. It withdraws its own, and decides nothing. */
import { z } from 'zod'
import { type Proposal, type ProposalDetail, ProposalId, ProposalState } from '../../contract/proposal.ts'
import { defineTool, type Tool } from '../tools/tool.ts'
import type { ProposalService } from './proposal-service.ts'

export interface ProposalToolsOptions {
  proposals: Pick<ProposalService, 'list' | 'get' | 'withdraw'>
}

const listed = 20
const output = z.object({
  proposals: z.array(
    z.object({
      id: z.string(),
      state: z.string(),
      summary: z.array(z.string()),
      items: z
        .array(z.object({ id: z.string(), state: z.string(), summary: z.string(), why: z.string().optional() }))
        .optional(),
    }),
  ),
})

export function proposalTools({ proposals }: ProposalToolsOptions): Tool[] {
  const tool = defineTool({
    name: 'mail_proposals',
    title: 'What became of proposals',
    description: 'What you proposed, and what a person decided about it and why. withdraw: ids of items.',
    scope: 'mail:meta',
    effect: 'write',
    hints: { proposal_not_found: 'Call without proposal for the ids.' },
    input: z.strictObject({
      state: z.enum(ProposalState.options).optional(),
      proposal: ProposalId.optional(),
      withdraw: z.array(z.string().max(30)).min(1).max(200).optional(),
    }),
    output,
    run: async ({ principal, input: { state, proposal, withdraw }, note }) => {
      if (proposal === undefined) {
        const { items } = await proposals.list(principal, { state, limit: listed })
        return { proposals: items.map(toEntry) }
      }
      const before = await proposals.get(principal, proposal)
      if (withdraw === undefined) return { proposals: [toWhole(before)] }
      const named = before.items.filter(({ id }) => withdraw.includes(id)).map(({ id, hash }) => ({ id, hash }))
      const after = await proposals.withdraw(principal, proposal, named)
      note({ proposal_id: proposal, items: String(named.length) })
      return { proposals: [toWhole(after.proposal)] }
    },
  })
  return [tool]
}

function toEntry({ id, state, words, counts: { waiting, applied, declined } }: Proposal) {
  return { id, state, summary: [`${waiting} wait, ${applied} applied, ${declined} not`, ...words] }
}

/** Nothing in it is a stranger's word, beside subjects of its own drafts. */
function toWhole(proposal: ProposalDetail) {
  return {
    ...toEntry(proposal),
    items: proposal.items.map(({ id, state, words, why, decided, operation }) => {
      const reason = decided?.reason ?? why
      const outcome = state === 'applied' && operation ? ` (${operation.state})` : ''
      return { id, state, summary: `${words}${outcome}`, ...(reason != null && { why: reason }) }
    }),
  }
}
