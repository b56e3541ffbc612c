/** Builds the facts that announce approvals. */
import type { Fact } from '../../contract/event.ts'
import type { ApprovalRow } from './approval-tables.ts'

export function requestedFact(row: ApprovalRow, recipients: number, at: string): Fact {
  return {
    type: 'approval_requested',
    data: {
      ...namesOf(row),
      principal: row.principal_id,
      principal_name: row.principal_name,
      recipients,
      expires_at: row.expires_at,
      at,
    },
  }
}

export function decidedFact(
  row: ApprovalRow,
  state: 'approved' | 'denied' | 'expired' | 'void',
  by: string | null,
  at: string,
): Fact {
  return { type: 'approval_decided', data: { ...namesOf(row), state, by, at } }
}

function namesOf({ id: approval_id, account_id, submission_id }: ApprovalRow) {
  return { account_id, approval_id, submission_id }
}
