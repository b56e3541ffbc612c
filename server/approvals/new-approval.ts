/** Builds the row of a new approval. */
import { createHash } from 'node:crypto'
import type { ApprovalSettings } from '../../contract/approvals.ts'
import type { PolicyFinding } from '../../contract/policy.ts'
import type { Answered, SubmissionRow } from '../outbox/submission-tables.ts'
import type { JudgedMessage } from '../policies/policy-decision.ts'
import { type ApprovalRow, storeJudged } from './approval-tables.ts'

export interface Held {
  id: string
  submission: SubmissionRow
  answers: Pick<Answered, 'messageId' | 'ref' | 'threadId'> | undefined
  judged: JudgedMessage
  findings: readonly PolicyFinding[]
  settings: ApprovalSettings
  /** The proposal that has the message as an item. */
  proposalId: string | null
  /** The current time, in epoch milliseconds. */
  now: number
}

const hour = 60 * 60_000

export function newApproval({
  id,
  submission,
  answers,
  judged,
  findings,
  settings,
  proposalId,
  now,
}: Held): ApprovalRow {
  const { principal_kind, principal_id, principal_name, user_id, account_id, hash } = submission
  return {
    id,
    submission_id: submission.id,
    ...{ account_id, principal_kind, principal_id, principal_name, user_id, hash },
    state: 'waiting',
    judged: storeJudged(judged),
    findings: JSON.stringify(findings),
    message: answers ? JSON.stringify({ id: null, ref: answers.ref }) : null,
    group_key: groupOf(principal_id, answers, judged),
    proposal_id: proposalId,
    needed: settings.approvers,
    decisions: '[]',
    created_at: new Date(now).toISOString(),
    expires_at: new Date(now + settings.expires_hours * hour).toISOString(),
  }
}

/** Groups replies in one thread, and messages to the same people. */
function groupOf(principalId: string, answers: Held['answers'], { accountId, recipients }: JudgedMessage): string {
  const what = answers?.threadId ?? answers?.messageId ?? [...recipients].sort()
  return createHash('sha256')
    .update(JSON.stringify([principalId, accountId, what]))
    .digest('hex')
    .slice(0, 16)
}
