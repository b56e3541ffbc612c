/**
 * The checks that the outbox makes right before a message leaves: its part of policies, approvals, freezes and
 * accounts, as interfaces, so that it can be built without them.
 */
import type { Database } from '../platform/database/database.ts'
import type { SubmissionRow } from './submission-tables.ts'

export type Ruling =
  /** @property account Version of the account, the same only for the same logins and addresses. */
  | { verdict: 'leave'; account: string }
  /** Stays queued until a human lifts the freeze; other messages of the same sender are skipped too. */
  | { verdict: 'stopped' }
  /** Ends without being sent. */
  | { verdict: 'refused'; code: string; why: string }
  /** @property at Earliest time, in epoch milliseconds. */
  | { verdict: 'later'; at: number; why: string }
  /** The policies under which it was let out have changed; judging it again takes longer than a transaction may. */
  | { verdict: 'ask' }

export type Rule = (row: SubmissionRow) => Promise<Ruling>

export interface Leaving {
  /**
   * Returns a rule over the current state of the database, whichever process wrote it; a rule reads each thing once.
   * @param db The transaction that claims the messages.
   */
  rulesIn(db?: Database): Rule
  /** Judges a message again after `ask`: it is held for an approval, or let out under the current policies. */
  judgeAgain(row: SubmissionRow): Promise<void>
}
