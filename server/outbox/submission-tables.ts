/** The table of submissions for Kysely, and the types of its JSON columns. */
import type { RecipientState, Submission, SubmissionState } from '../../contract/submission.ts'
import type { Principal } from '../platform/principal.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    submissions: SubmissionRow
  }
}

export type CopyState = Submission['sent_copy']['state']

export interface SubmissionRow {
  /** Rises with time. */
  id: string
  account_id: string
  draft_id: string
  rev: number
  principal_kind: Principal['kind']
  principal_id: string
  principal_name: string
  user_id: string | null
  state: SubmissionState
  /** SHA-256 of envelope and bytes, to which an approval is bound. */
  hash: string
  /** SHA-256 of the bytes. */
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
  /** The earliest time at which the message may be sent; the time until it is given up counts from it. */
  ready_at: string | null
  /** Time of the next attempt, in the states `scheduled` and `queued`. */
  due_at: string | null
  attempts: number
  /** `StoredError` of the latest attempt. */
  error: string | null
  ended_at: string | null
  approval_id: string | null
  /**
   * JSON written by the policies: why it may leave without an approval; null for messages of users, and for those that
   * need an approval.
   */
  let_out: string | null
  /** The session of work, as its sender named it. */
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

/** The message that a submission answers or forwards; it is flagged once the submission is delivered. */
export interface Answered {
  messageId: string | null
  ref: string | null
  threadId: string | null
  isForward: boolean
}

/** The state of the folder before the copy was appended: messages from `uidNext` on arrived later. */
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
