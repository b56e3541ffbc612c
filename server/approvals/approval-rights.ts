/** Who may see an approval, and who may decide it. */
import type { ApprovalSettings, ApprovalSettingsAnswer } from '../../contract/approvals.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { settingsProblem } from './approval-settings.ts'
import type { ApprovalRow, GivenDecision } from './approval-tables.ts'

/** Whether a principal sees an approval: programs see their own requests, users those of all their accounts. */
export function maySeeApproval(principal: Principal, row: Pick<ApprovalRow, 'account_id' | 'principal_id'>): boolean {
  if (!maySeeAccount(principal, row.account_id)) return false
  return principal.kind === 'session' || principal.id === row.principal_id
}

/** Returns why the principal may not deny it; undefined if it may. Denying needs fewer rights than approving. */
export function denyRefusal(principal: Principal, row: Pick<ApprovalRow, 'user_id'>): Problem | undefined {
  if (principal.kind !== 'session' || principal.userId === null) {
    return new Problem(
      'session_needed',
      'Only signed-in users decide about approvals; tokens and the API key never do.',
    )
  }
  if (!principal.scopes.has('mail:send')) {
    return new Problem('forbidden', 'This requires the scope mail:send.', { missing_scope: 'mail:send' })
  }
  if (principal.scopes.has('dashboard:operate') || row.user_id === principal.userId) return undefined
  const detail = 'Deciding requests of other users’ tokens requires the scope dashboard:operate.'
  return new Problem('forbidden', detail, { missing_scope: 'dashboard:operate' })
}

/** Returns why the principal may not approve it, whatever its hash and earlier decisions; undefined if it may. */
export function giverRefusal(
  principal: Principal,
  row: Pick<ApprovalRow, 'user_id'>,
  settings: ApprovalSettings,
): Problem | undefined {
  const refusal = denyRefusal(principal, row)
  if (refusal) return refusal
  if (row.user_id === principal.userId && !settings.own_tokens) {
    return new Problem('four_eyes_needed', 'The token is yours, so another user has to approve.')
  }
  return undefined
}

/** @param given The decisions made so far. */
export function approveRefusal(
  principal: Principal,
  row: Pick<ApprovalRow, 'user_id' | 'state'>,
  settings: ApprovalSettingsAnswer,
  given: readonly GivenDecision[],
): Problem | undefined {
  const refusal = giverRefusal(principal, row, settings) ?? settingsProblem(settings)
  if (refusal) return refusal
  const hasApproved =
    row.state === 'waiting' && given.some(({ user_id, counts }) => counts && user_id === principal.userId)
  return hasApproved
    ? new Problem('four_eyes_needed', 'You have approved; another user has to approve as well.')
    : undefined
}

export function noApproval(): Problem {
  return new Problem('approval_not_found', 'There is no such approval.')
}
