/** Proposals for models: what they proposed, and what humans decided. They withdraw their own, and decide nothing. */
import { z } from 'zod'
import type { Proposal, ProposalDetail } from '../../contract/proposal.ts'
import { Problem } from '../platform/problem.ts'
import { defineTool, type Tool } from '../tools/tool.ts'
import type { ProposalService } from './proposal-service.ts'

export interface ProposalToolsOptions {
  proposals: Pick<ProposalService, 'list' | 'get' | 'withdraw'>
}

const listed = 20
/** One line per proposal: every field of a schema costs every client tokens. */
const output = z.object({ proposals: z.array(z.string()) })

export function proposalTools({ proposals }: ProposalToolsOptions): Tool[] {
  const tool = defineTool({
    name: 'mail_proposals',
    title: 'Proposals',
    description: 'Lists what you `proposed`, which waits for a person, and decisions with reasons; withdraws items.',
    // A token that may change nothing has nothing to propose.
    scope: 'mail:organize',
    effect: 'write',
    hints: { proposal_not_found: 'Call without proposal for the ids.' },
    input: z.strictObject({
      proposal: z
        .string()
        .regex(/^\w{1,20}$/, 'is not the id of a proposal')
        .optional(),
      withdraw: z.array(z.string().max(30)).optional(),
    }),
    output,
    run: async ({ principal, input: { proposal, withdraw = [] }, note }) => {
      if (proposal === undefined) {
        if (withdraw.length > 0) throw new Problem('bad_request', 'proposal: is required with withdraw')
        const { items } = await proposals.list(principal, { limit: listed })
        return { proposals: items.map(toLine) }
      }
      const before = await proposals.get(principal, proposal)
      if (withdraw.length === 0) return { proposals: toLines(before) }
      const unknown = withdraw.find(id => !before.items.some(item => item.id === id))
      if (unknown !== undefined) {
        throw new Problem('bad_request', `withdraw: ${JSON.stringify(unknown)} is not an item of this proposal`)
      }
      const named = before.items.filter(({ id }) => withdraw.includes(id)).map(({ id, hash }) => ({ id, hash }))
      const after = await proposals.withdraw(principal, proposal, named)
      note({ proposal_id: proposal, items: String(named.length) })
      return { proposals: toLines(after.proposal) }
    },
  })
  return [tool]
}

function toLine({ id, state, words, counts: { waiting, applied, declined } }: Proposal): string {
  return `${id} ${state}: ${waiting} wait, ${applied} applied, ${declined} not. ${words.join('; ')}`
}

/** Summarises a proposal without untrusted text, except subjects of the model's own drafts. */
function toLines(proposal: ProposalDetail): string[] {
  const items = proposal.items.map(({ id, state, words, why, decided, operation }) => {
    const reason = decided?.reason ?? why
    const outcome = state === 'applied' && operation ? `${state}, ${operation.state}` : state
    return `${id} ${outcome}: ${words}${reason == null ? '' : ` (${reason})`}`
  })
  return [toLine(proposal), ...items]
}
