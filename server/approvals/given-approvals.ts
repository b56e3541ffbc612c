/** Which approvals that were given count now: each giver has to be allowed to approve at the moment in which the message is let go. */
import type { ApprovalSettings } from '../../contract/approvals.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { giverRefusal, maySeeApproval } from './approval-rights.ts'
import { type ApprovalRow, decisionsOf, type GivenDecision } from './approval-tables.ts'

/** A user with the rights of now, as if signed in; undefined for users who are gone or disabled. */
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
