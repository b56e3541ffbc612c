/** Shows an approval, from its row and its message in the outbox. */
import type { Approval, ApprovalSettings, ApprovalSettingsAnswer } from '../../contract/approvals.ts'
import type { PolicyFinding } from '../../contract/policy.ts'
import type { Submission } from '../../contract/submission.ts'
import type { Principal } from '../platform/principal.ts'
import { approveRefusal, denyRefusal } from './approval-rights.ts'
import type { ApprovalRow, GivenDecision } from './approval-tables.ts'
import type { Obstacle } from './release-check.ts'

const noOwnPasskey = 'Approving has to be confirmed with a passkey, and you have none: add one on your profile page.'

export interface Seen {
  submission: Submission
  decisions: readonly GivenDecision[]
  /** Whether the viewer has a passkey. */
  hasPasskey: boolean
  settings: ApprovalSettingsAnswer
  /** What prevents approval of a waiting message. */
  obstacle: Obstacle | undefined
}

export function toApproval(
  row: ApprovalRow,
  principal: Principal,
  { submission, decisions, settings, obstacle, hasPasskey }: Seen,
): Approval {
  const { id, state, hash, principal_id, principal_kind: kind, principal_name: name, created_at, expires_at } = row
  const isWaiting = state === 'waiting'
  const refusal = isWaiting ? approveRefusal(principal, row, settings, decisions) : undefined
  const needsPasskey = isWaiting && settings.passkey
  const noPasskey = needsPasskey && !refusal && !hasPasskey ? noOwnPasskey : undefined
  const mayDecide = isWaiting && !refusal
  const isBegun = submission.recipients.some(({ state: of }) => of === 'accepted')
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
    decisions: decisions.map(({ withPasskey: _withPasskey, ...decision }) => decision),
    needed: neededOf(row, settings),
    can: [
      ...(mayDecide && !obstacle && !noPasskey ? (['approve'] as const) : []),
      ...(mayDecide && !isBegun && (obstacle?.isEditable ?? true) ? (['edit'] as const) : []),
      ...(isWaiting && !denyRefusal(principal, row) ? (['deny'] as const) : []),
    ],
    cannot_because: (refusal ?? (isWaiting ? obstacle?.problem : undefined))?.message ?? noPasskey ?? null,
    needs_passkey: needsPasskey,
  }
}

/** The required number of approvals: as stored with the request or as set now, whichever is stricter. */
export function neededOf({ needed }: ApprovalRow, { approvers }: ApprovalSettings): number {
  return Math.max(needed, approvers)
}
