/** The table of submissions, as Kysely sees it, and what is kept in it as JSON. */
import type { RecipientState, Submission, SubmissionState } from '../../contract/submission.ts'
import type { Principal } from '../platform/principal.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    submissions: SubmissionRow
  }
}

export type CopyState = Submission['sent_copy']['state']

export interface SubmissionRow {
  /** Later ones are greater. */
  id: string
  account_id: string
  draft_id: string
  rev: number
  principal_kind: Principal['kind']
  principal_id: string
  principal_name: string
  user_id: string | null
  state: SubmissionState
  /** Of envelope and bytes: what an approval is bound to. */
  hash: string
  /** Of the bytes. */
  sha256: string
  blob_id: string
  size_bytes: number
  message_id: string
  envelope_from: string
  from_email: string
  from_name: string | null
  subject: string
  /** `StoredRecipient[]`, in the order of the envelope. */
  recipients: string
  /** `Answered` */
  answers: string | null
  created_at: string
  send_at: string | null
  /** Since when the mail server may be told: tries end so long after that. */
  ready_at: string | null
  /** When its next attempt is due, of those that are `scheduled` or `queued`. */
  due_at: string | null
  attempts: number
  /** `StoredError` of the latest attempt. */
  error: string | null
  ended_at: string | null
  approval_id: string | null
  /** JSON, of those who judge: why it may leave without an approval; null for what users send, and for what needs one. */
  let_out: string | null
  /** What its sender called its run. */
  session: string | null
  copy_state: CopyState
  copy_folder: string | null
  copy_why: string | null
  copy_attempts: number
  copy_due_at: string | null
  /** `CopyIntent` */
  copy_intent: string | null
}

export interface StoredRecipient {
  email: string
  kind: 'to' | 'cc' | 'bcc'
  state: RecipientState
  response: string | null
  at: string | null
}

export type StoredError = NonNullable<Submission['error']>

/** The message that a submission answers or forwards; it is marked so once the submission is delivered. */
export interface Answered {
  messageId: string | null
  ref: string | null
  threadId: string | null
  isForward: boolean
}

/** How the folder stood before the copy was put there: what it holds from `uidNext` on came later. */
export interface CopyIntent {
  folder: string
  uidValidity: number
  uidNext: number
}

export function recipientsOf({ recipients }: Pick<SubmissionRow, 'recipients'>): StoredRecipient[] {
  return JSON.parse(recipients) as StoredRecipient[]
}

export function errorOf({ error }: Pick<SubmissionRow, 'error'>): StoredError | null {
  return error === null ? null : (JSON.parse(error) as StoredError)
}

export function answeredBy({ answers }: Pick<SubmissionRow, 'answers'>): Answered | undefined {
  return answers === null ? undefined : (JSON.parse(answers) as Answered)
}
