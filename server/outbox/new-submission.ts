/** Builds the row of a new submission. */
import type { ComposedMessage } from '../drafts/composed-message.ts'
import type { Principal } from '../platform/principal.ts'
import type { Answered, StoredRecipient, SubmissionRow } from './submission-tables.ts'

/** `held` waits for an approval, `scheduled` for `sendAt`. */
export type FirstState = 'held' | 'scheduled' | 'queued'

export interface Submitted {
  principal: Principal
  composed: ComposedMessage
  state: FirstState
  /** ISO 8601; set for `scheduled`, and for `held` if it is to be sent no earlier after the approval. */
  sendAt: string | null
  approvalId: string | null
  /** See `SubmissionRow`. */
  policyRelease?: string | null
}

/** Columns that describe the message; they change together. */
export type MessageColumns = Pick<
  SubmissionRow,
  | 'draft_id'
  | 'rev'
  | 'hash'
  | 'sha256'
  | 'blob_id'
  | 'size_bytes'
  | 'message_id'
  | 'envelope_from'
  | 'from_email'
  | 'from_name'
  | 'subject'
  | 'recipients'
  | 'answers'
>

export function newSubmission(
  { principal, composed, state, sendAt, approvalId, policyRelease = null }: Submitted,
  id: string,
  at: string,
) {
  const row: SubmissionRow = {
    id,
    account_id: composed.accountId,
    principal_kind: principal.kind,
    principal_id: principal.id,
    principal_name: principal.name,
    user_id: principal.userId,
    state,
    ...messageColumns(composed),
    created_at: at,
    send_at: sendAt,
    ...readiness(state, sendAt, at),
    attempts: 0,
    error: null,
    ended_at: null,
    approval_id: approvalId,
    let_out: policyRelease,
    session: principal.workSession ?? null,
    copy_state: 'none',
    copy_folder: null,
    copy_why: null,
    copy_attempts: 0,
    copy_due_at: null,
    copy_intent: null,
  }
  return row
}

/** Returns when a submission in this state is due, and from when attempts are counted. */
export function readiness(state: FirstState, sendAt: string | null, at: string) {
  if (state === 'held') return { ready_at: null, due_at: null }
  const due = state === 'scheduled' && sendAt !== null ? sendAt : at
  return { ready_at: due, due_at: due }
}

export function messageColumns(composed: ComposedMessage): MessageColumns {
  const { answers } = composed
  const kinds = new Map(composed.recipients.map(({ email, kind }) => [email, kind]))
  const recipients = composed.envelope.to.map(
    (email): StoredRecipient => ({
      email,
      // A recipient that is in no header gets a blind copy.
      kind: kinds.get(email) ?? 'bcc',
      state: 'waiting',
      response: null,
      at: null,
    }),
  )
  return {
    draft_id: composed.draftId,
    rev: composed.rev,
    hash: composed.hash,
    sha256: composed.sha256,
    blob_id: composed.blobId,
    size_bytes: composed.sizeBytes,
    message_id: composed.messageId,
    envelope_from: composed.envelope.from,
    from_email: composed.from.email,
    from_name: composed.from.name,
    subject: composed.subject,
    recipients: JSON.stringify(recipients),
    answers: answers ? JSON.stringify({ isForward: false, ...answers } satisfies Answered) : null,
  }
}
