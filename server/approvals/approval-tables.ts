/** The table of approvals for Kysely, and the types of its JSON columns. */
import type { Approval, ApprovalState } from '../../contract/approvals.ts'
import type { Principal } from '../platform/principal.ts'
import type { JudgedMessage } from '../policies/policy-decision.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    approvals: ApprovalRow
  }
}

export interface ApprovalRow {
  id: string
  submission_id: string
  account_id: string
  principal_kind: Principal['kind']
  principal_id: string
  principal_name: string
  /** The user whose token asks. */
  user_id: string | null
  /** The only hash that can be approved. */
  hash: string
  state: ApprovalState
  /** `StoredJudged` */
  judged: string
  /** `PolicyFinding[]` */
  findings: string
  /** `Approval['message']` */
  message: string | null
  group_key: string
  proposal_id: string | null
  needed: number
  /** `StoredDecision[]` */
  decisions: string
  created_at: string
  expires_at: string
}

/** The facts by which the policy judges the message again when it is about to leave. */
export type StoredJudged = Omit<JudgedMessage, 'threadPeople' | 'at'> & { threadPeople: string[] | null }

export function storeJudged({ threadPeople, at: _at, ...message }: JudgedMessage): string {
  return JSON.stringify({ ...message, threadPeople: threadPeople ? [...threadPeople] : null } satisfies StoredJudged)
}

export function judgedOf({ judged }: Pick<ApprovalRow, 'judged'>): JudgedMessage {
  const { threadPeople, ...message } = JSON.parse(judged) as StoredJudged
  // Missing in rows of an earlier version.
  const { taintMs = 0 } = message as Partial<typeof message>
  return { ...message, taintMs, threadPeople: threadPeople ? new Set(threadPeople) : undefined }
}

type Decision = Approval['decisions'][number]
/** `counts` is left out while the approval waits, since it is determined each time. */
export type StoredDecision = Omit<Decision, 'counts'> & Partial<Pick<Decision, 'counts'>> & { withPasskey?: boolean }

export type GivenDecision = StoredDecision & { counts: boolean }

export function decisionsOf({ decisions }: Pick<ApprovalRow, 'decisions'>): StoredDecision[] {
  return JSON.parse(decisions) as StoredDecision[]
}
