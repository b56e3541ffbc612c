/** Builds the fact that announces a change of a submission. */
import type { EventOf } from '../../contract/event.ts'
import { recipientsOf, type SubmissionRow } from './submission-tables.ts'

export function deliveryFact(row: SubmissionRow): EventOf<'delivery_changed'> {
  const recipients = recipientsOf(row)
  const count = (state: string) => recipients.filter(recipient => recipient.state === state).length
  return {
    type: 'delivery_changed',
    data: {
      account_id: row.account_id,
      submission_id: row.id,
      draft_id: row.draft_id,
      principal: row.principal_id,
      state: row.state,
      attempts: row.attempts,
      accepted: count('accepted'),
      refused: count('refused'),
      bounced: count('bounced'),
      sent_copy: row.copy_state,
      at: new Date().toISOString(),
    },
  }
}
