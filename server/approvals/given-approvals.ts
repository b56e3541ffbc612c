/** Determines which approvals count: each approver must still be allowed to approve when the message is released. */
import type { ApprovalSettings } from '../../contract/approvals.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { giverRefusal, maySeeApproval } from './approval-rights.ts'
import { type ApprovalRow, decisionsOf, type GivenDecision } from './approval-tables.ts'

/** Finds a user with current rights, as if signed in; undefined if the user was removed or disabled. */
export type FindApprover = (userId: string, db?: Database) => Promise<Principal | undefined>

/** @param db The transaction that decides. */
export async function givenDecisions(
  row: ApprovalRow,
  settings: ApprovalSettings,
  findApprover: FindApprover,
  db?: Database,
): Promise<GivenDecision[]> {
  const decisions: GivenDecision[] = []
  for (const decision of decisionsOf(row)) {
    if (row.state !== 'waiting' || decision.decision !== 'approve') {
      decisions.push({ ...decision, counts: decision.counts ?? true })
      continue
    }
    const isConfirmed = !settings.passkey || decision.withPasskey === true
    const giver = await findApprover(decision.user_id, db)
    const counts =
      isConfirmed &&
      giver !== undefined &&
      maySeeApproval(giver, row) &&
      giverRefusal(giver, row, settings) === undefined
    decisions.push({ ...decision, counts })
  }
  return decisions
}
