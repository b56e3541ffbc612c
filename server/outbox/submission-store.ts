/** Submissions in the database. Each change names its initial state, so of two concurrent ones only one succeeds. */
import type { SubmissionState } from '../../contract/submission.ts'
import type { Database } from '../platform/database/database.ts'
import type { SubmissionRow } from './submission-tables.ts'

export interface SubmissionQuery {
  /** Account ids; undefined for all. */
  accounts: readonly string[] | undefined
  /** Only submissions of this principal; undefined for all. */
  principalId?: string | undefined
  states?: readonly SubmissionState[] | undefined
  before?: string | undefined
  limit: number
}

/** Columns that decide whether a submission is frozen. */
export type DueRow = Pick<SubmissionRow, 'id' | 'account_id' | 'principal_id' | 'principal_kind' | 'user_id'>

export const waitingStates = ['held', 'scheduled', 'queued', 'sending'] as const satisfies readonly SubmissionState[]
export const dueStates = ['scheduled', 'queued'] as const satisfies readonly SubmissionState[]

export type WaitingSender = Pick<SubmissionRow, 'principal_kind' | 'principal_id' | 'user_id' | 'account_id'>

export class SubmissionStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async insert(transaction: Database, row: SubmissionRow): Promise<void> {
    await transaction.insertInto('submissions').values(row).execute()
  }

  async find(id: string, db: Database = this.#db): Promise<SubmissionRow | undefined> {
    return db.selectFrom('submissions').selectAll().where('id', '=', id).executeTakeFirst()
  }

  async findAll(ids: readonly string[]): Promise<SubmissionRow[]> {
    if (ids.length === 0) return []
    return this.#db.selectFrom('submissions').selectAll().where('id', 'in', ids).execute()
  }

  /** @returns Newest first. */
  async list({ accounts, principalId, states, before, limit }: SubmissionQuery): Promise<SubmissionRow[]> {
    if (accounts?.length === 0 || states?.length === 0) return []
    let query = this.#db.selectFrom('submissions').selectAll().orderBy('id', 'desc').limit(limit)
    if (accounts) query = query.where('account_id', 'in', accounts)
    if (principalId !== undefined) query = query.where('principal_id', '=', principalId)
    if (states !== undefined) query = query.where('state', 'in', states)
    if (before !== undefined) query = query.where('id', '<', before)
    return query.execute()
  }

  async countSince(principalId: string, since: string): Promise<Partial<Record<SubmissionState, number>>> {
    const rows = await this.#db
      .selectFrom('submissions')
      .select(['state', ({ fn }) => fn.countAll<number>().as('count')])
      .where('principal_id', '=', principalId)
      .where('created_at', '>', since)
      .groupBy('state')
      .execute()
    return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]))
  }

  async newestId(): Promise<string | undefined> {
    const row = await this.#db.selectFrom('submissions').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
    return row?.id
  }

  /** Counts the waiting submissions of all accounts. */
  async countAllWaiting(): Promise<number> {
    const { count } = await this.#db
      .selectFrom('submissions')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('state', 'in', waitingStates)
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /** Counts the submissions of an account that have not ended. */
  async countWaiting(accountId: string, db: Database = this.#db): Promise<number> {
    const { count } = await db
      .selectFrom('submissions')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('account_id', '=', accountId)
      .where('state', 'in', waitingStates)
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /**
   * Changes a submission that is in one of these states and, if a hash is given, has that hash. @returns The changed
   * row; undefined if the state or the message is another one by now.
   */
  async change(
    transaction: Database,
    id: string,
    from: { states: readonly SubmissionState[]; hash?: string | undefined; attempts?: number },
    values: Partial<SubmissionRow>,
  ): Promise<SubmissionRow | undefined> {
    let query = transaction.updateTable('submissions').set(values).where('id', '=', id)
    query = query.where('state', 'in', from.states)
    if (from.hash !== undefined) query = query.where('hash', '=', from.hash)
    if (from.attempts !== undefined) query = query.where('attempts', '=', from.attempts)
    return query.returningAll().executeTakeFirst()
  }

  /** Lists due submissions, the earliest first. @param without Principals that are skipped. */
  async listDue(
    accountId: string,
    { at, limit, without = [] }: { at: string; limit: number; without?: readonly string[] },
    db: Database = this.#db,
  ): Promise<SubmissionRow[]> {
    let query = db
      .selectFrom('submissions')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('due_at', '<=', at)
      .where('state', 'in', dueStates)
      .orderBy('due_at')
      .orderBy('id')
      .limit(limit)
    if (without.length > 0) query = query.where('principal_id', 'not in', without)
    return query.execute()
  }

  /** Claims a due submission for an attempt. @returns The changed row; undefined if it is no longer due. */
  async claim(transaction: Database, id: string): Promise<SubmissionRow | undefined> {
    return transaction
      .updateTable('submissions')
      .set(({ eb }) => ({ state: 'sending', attempts: eb('attempts', '+', 1), due_at: null }))
      .where('id', '=', id)
      .where('state', 'in', dueStates)
      .returningAll()
      .executeTakeFirst()
  }

  /** Lists queued submissions that were ready before a time. */
  async listReadyBefore(accountId: string, at: string, limit: number, db: Database): Promise<SubmissionRow[]> {
    return db
      .selectFrom('submissions')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('state', '=', 'queued')
      .where('ready_at', '<', at)
      .orderBy('id')
      .limit(limit)
      .execute()
  }

  /** Returns when the account's next submission is due. @param after Only times later than this count. */
  async nextDue(accountId: string, after: string): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('submissions')
      .select('due_at')
      .where('account_id', '=', accountId)
      .where('due_at', '>', after)
      .where('state', 'in', dueStates)
      .orderBy('due_at')
      .limit(1)
      .executeTakeFirst()
    return row?.due_at ?? undefined
  }

  /** Returns the submission whose copy is due first. */
  async nextCopy(accountId: string): Promise<SubmissionRow | undefined> {
    return this.#db
      .selectFrom('submissions')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('copy_due_at', 'is not', null)
      .orderBy('copy_due_at')
      .limit(1)
      .executeTakeFirst()
  }

  /** Changes a copy that is still waiting. @returns The changed row. */
  async changeCopy(
    transaction: Database,
    id: string,
    values: Partial<SubmissionRow>,
  ): Promise<SubmissionRow | undefined> {
    const query = transaction.updateTable('submissions').set(values).where('id', '=', id)
    return query.where('copy_state', '=', 'waiting').returningAll().executeTakeFirst()
  }

  /** Lists the distinct senders of messages that wait to leave. */
  async listWaitingSenders(): Promise<WaitingSender[]> {
    return this.#db
      .selectFrom('submissions')
      .select(['principal_kind', 'principal_id', 'user_id', 'account_id'])
      .distinct()
      .where('due_at', 'is not', null)
      .execute()
  }

  /** Lists the ids of one sender's messages that wait to leave, oldest first. */
  async listWaitingOf({ principal_id: id, account_id: accountId }: WaitingSender, limit: number): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('submissions')
      .select('id')
      .where('due_at', 'is not', null)
      .where('principal_id', '=', id)
      .where('account_id', '=', accountId)
      .orderBy('id')
      .limit(limit)
      .execute()
    return rows.map(row => row.id)
  }

  /** Lists the ids of submissions in this state, oldest first. */
  async listIn(accountId: string, state: SubmissionState, limit: number, db: Database = this.#db): Promise<string[]> {
    const rows = await db
      .selectFrom('submissions')
      .select('id')
      .where('account_id', '=', accountId)
      .where('state', '=', state)
      .orderBy('id')
      .limit(limit)
      .execute()
    return rows.map(({ id }) => id)
  }

  /** Returns whether the account tried to send anything since. */
  async hasSentSince(accountId: string, since: string): Promise<boolean> {
    return (await this.listSentSince(accountId, since, 1)).length > 0
  }

  /** @returns Submissions with at least one attempt, newest first. */
  async listSentSince(accountId: string, since: string, limit: number): Promise<SubmissionRow[]> {
    return this.#db
      .selectFrom('submissions')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('attempts', '>', 0)
      .where('ready_at', '>=', since)
      .orderBy('id', 'desc')
      .limit(limit)
      .execute()
  }

  async findByMessageIds(accountId: string, messageIds: readonly string[], since: string): Promise<SubmissionRow[]> {
    if (messageIds.length === 0) return []
    return this.#db
      .selectFrom('submissions')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('message_id', 'in', messageIds)
      .where('attempts', '>', 0)
      .where('ready_at', '>=', since)
      .limit(messageIds.length)
      .execute()
  }

  /** Changes the recipients unless they were changed concurrently. @returns The changed row. */
  async changeRecipients(
    transaction: Database,
    { id, recipients: before }: Pick<SubmissionRow, 'id' | 'recipients'>,
    recipients: string,
  ): Promise<SubmissionRow | undefined> {
    const query = transaction.updateTable('submissions').set({ recipients }).where('id', '=', id)
    return query.where('recipients', '=', before).returningAll().executeTakeFirst()
  }

  /** Lists submissions that have ended and whose copy is settled, newest first. */
  async listEnded(
    accountId: string,
  ): Promise<(Pick<SubmissionRow, 'id' | 'size_bytes' | 'blob_id'> & { ended_at: string })[]> {
    return this.#db
      .selectFrom('submissions')
      .select(['id', 'size_bytes', 'blob_id'])
      .select(({ ref }) => ref('ended_at').$notNull().as('ended_at'))
      .where('account_id', '=', accountId)
      .where('ended_at', 'is not', null)
      .where('copy_due_at', 'is', null)
      .where('state', 'not in', waitingStates)
      .orderBy('id', 'desc')
      .execute()
  }

  async accounts(): Promise<string[]> {
    const rows = await this.#db.selectFrom('submissions').select('account_id').distinct().execute()
    return rows.map(({ account_id }) => account_id)
  }

  /** Clears the content, whose blob is no longer kept. */
  async dropContent(transaction: Database, id: string): Promise<void> {
    await transaction.updateTable('submissions').set({ blob_id: '' }).where('id', '=', id).execute()
  }

  async delete(transaction: Database, id: string): Promise<void> {
    await transaction.deleteFrom('submissions').where('id', '=', id).where('state', 'not in', waitingStates).execute()
  }

  /** Lists accounts with work to do: messages to send or recover, or copies to make. */
  async accountsAtWork(): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('submissions')
      .select('account_id')
      .distinct()
      .where(({ eb, or }) =>
        or([eb('state', 'in', ['scheduled', 'queued', 'sending']), eb('copy_due_at', 'is not', null)]),
      )
      .execute()
    return rows.map(({ account_id }) => account_id)
  }
}
