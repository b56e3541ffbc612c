/** Who may see a proposal, and who may decide its items. */
import type { ApprovalSettings } from '../../contract/approvals.ts'
import type { Scope } from '../../contract/scope.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ProposalRow } from './proposal-tables.ts'

/** Whether a principal sees a proposal: programs see their own, users those of all their accounts. */
export function maySeeProposal(principal: Principal, row: Pick<ProposalRow, 'account_id' | 'principal_id'>): boolean {
  if (!maySeeAccount(principal, row.account_id)) return false
  return principal.kind === 'session' || principal.id === row.principal_id
}

/** Returns why the principal may not decline it; undefined if it may. */
export function declineRefusal(principal: Principal, row: ProposalRow, scope: Scope): Problem | undefined {
  if (principal.kind !== 'session' || principal.userId === null) {
    return new Problem(
      'session_needed',
      'Only signed-in users decide about proposals; tokens and the API key never do.',
    )
  }
  if (!principal.scopes.has(scope)) {
    return new Problem('forbidden', `This requires the scope ${scope}.`, { missing_scope: scope })
  }
  if (principal.scopes.has('dashboard:operate') || row.user_id === principal.userId) return undefined
  const detail = 'Deciding proposals of other users’ tokens requires the scope dashboard:operate.'
  return new Problem('forbidden', detail, { missing_scope: 'dashboard:operate' })
}

/** Returns why the principal may not apply it; undefined if it may. */
export function applyRefusal(
  principal: Principal,
  row: ProposalRow,
  scope: Scope,
  { own_tokens: mayOwn }: Pick<ApprovalSettings, 'own_tokens'>,
): Problem | undefined {
  const refusal = declineRefusal(principal, row, scope)
  if (refusal || mayOwn || row.user_id !== principal.userId) return refusal
  return new Problem('four_eyes_needed', 'The token is yours, so another user has to decide.')
}

export function noProposal(): Problem {
  return new Problem('proposal_not_found', 'There is no such proposal.')
}
