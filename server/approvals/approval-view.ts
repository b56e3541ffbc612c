/** From the row of an approval, and its message in the outbox, to how it is shown. */
import type { Approval, ApprovalSettings } from '../../contract/approvals.ts'
import type { PolicyFinding } from '../../contract/policy.ts'
import type { Submission } from '../../contract/submission.ts'
import type { Principal } from '../platform/principal.ts'
import { approveRefusal, denyRefusal } from './approval-rights.ts'
import { type ApprovalRow, decisionsOf } from './approval-tables.ts'

export function toApproval(
  row: ApprovalRow,
  submission: Submission,
  principal: Principal,
  settings: ApprovalSettings,
): Approval {
  const { id, state, hash, principal_id, principal_kind: kind, principal_name: name, created_at, expires_at } = row
  const refusal = approveRefusal(principal, row, settings)
  const isWaiting = state === 'waiting'
  const mayApprove = isWaiting && !refusal && !submission.is_frozen
  return {
    id,
    state,
    hash,
    submission,
    asks: { kind: kind === 'anonymous' ? 'token' : kind, id: principal_id, name },
    findings: JSON.parse(row.findings) as PolicyFinding[],
    message: row.message === null ? null : (JSON.parse(row.message) as Approval['message']),
    proposal_id: row.proposal_id,
    group: row.group_key,
    created_at,
    expires_at,
    decisions: decisionsOf(row),
    needed: neededOf(row, settings),
    can: [
      ...(mayApprove ? (['approve', 'edit'] as const) : []),
      ...(isWaiting && !denyRefusal(principal, row) ? (['deny'] as const) : []),
    ],
    cannot_because:
      isWaiting && !mayApprove ? (refusal?.message ?? 'A human stopped what its sender, or its account, sends.') : null,
  }
}

/** As it was asked for, or as it is set now: whichever is stricter. */
export function neededOf({ needed }: ApprovalRow, { approvers }: ApprovalSettings): number {
  return Math.max(needed, approvers)
}
