/** Submissions as callers see them. */
import type { Submission, SubmissionState } from '../../contract/submission.ts'
import type { Principal } from '../platform/principal.ts'
import { errorOf, recipientsOf, type SubmissionRow } from './submission-tables.ts'

/** States in which sending has not begun, or waits for another attempt. */
export const cancellable: readonly SubmissionState[] = ['held', 'scheduled', 'queued']
export const retriable: readonly SubmissionState[] = ['failed', 'partial', 'unknown']

/** @param isFrozen Whether a freeze stops its sender or its account. */
export function toSubmission(row: SubmissionRow, principal: Principal, isFrozen: boolean): Submission {
  return {
    id: row.id,
    account_id: row.account_id,
    draft_id: row.draft_id,
    rev: row.rev,
    principal: { kind: kindOf(row), id: row.principal_id, name: row.principal_name },
    session: row.session,
    state: row.state,
    hash: row.hash,
    message_id: row.message_id,
    from: { email: row.from_email, name: row.from_name },
    recipients: recipientsOf(row),
    subject: row.subject,
    size_bytes: row.size_bytes,
    created_at: row.created_at,
    send_at: row.send_at,
    attempts: row.attempts,
    next_attempt_at: row.state === 'queued' ? row.due_at : null,
    error: errorOf(row),
    ended_at: row.ended_at,
    approval_id: row.approval_id,
    is_frozen: isFrozen,
    sent_copy: { state: row.copy_state, folder: row.copy_folder, why: row.copy_why },
    can: possible(row, principal),
  }
}

function possible({ state }: SubmissionRow, { kind, scopes }: Principal): Submission['can'] {
  const mayDecide = kind === 'session' && scopes.has('mail:send')
  return [
    ...(cancellable.includes(state) ? (['cancel'] as const) : []),
    ...(mayDecide && retriable.includes(state) ? (['retry'] as const) : []),
    ...(mayDecide && state === 'unknown' ? (['resolve'] as const) : []),
  ]
}

function kindOf({ principal_kind: kind }: SubmissionRow): 'session' | 'token' | 'api_key' {
  return kind === 'anonymous' ? 'api_key' : kind
}
