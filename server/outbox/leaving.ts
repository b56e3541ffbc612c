/** What the outbox asks right before a message leaves: its part of policies, approvals, freezes and accounts, so that it can be built without them. */
import type { Database } from '../platform/database/database.ts'
import type { SubmissionRow } from './submission-tables.ts'

export type Ruling =
  /** @property account Equal only for the same logins and addresses of the account. */
  | { verdict: 'leave'; account: string }
  /** It stays as it is until somebody lets it go: what has the same sender is passed over too. */
  | { verdict: 'stopped' }
  /** It ends. */
  | { verdict: 'refused'; code: string; why: string }
  /** @property at Not before, in epoch milliseconds. */
  | { verdict: 'later'; at: number; why: string }
  /** The rules by which it was let out have changed; to judge it again takes longer than a transaction may. */
  | { verdict: 'ask' }

export type Rule = (row: SubmissionRow) => Promise<Ruling>

export interface Leaving {
  /**
   * Rules by what the database has now, whichever process wrote it; of rows of one transaction each thing is read once.
   * @param db The transaction that takes messages for delivery.
   */
  rulesIn(db?: Database): Rule
  /** After `ask`: it is held for an approval, or let out by the rules of now. */
  judgeAgain(row: SubmissionRow): Promise<void>
}
