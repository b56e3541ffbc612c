/** Submissions in the database. Each change of a state names the one that it goes out from, so that of two only one is made. */
import type { SubmissionState } from '../../contract/submission.ts'
import type { Database } from '../platform/database/database.ts'
import type { SubmissionRow } from './submission-tables.ts'

export interface SubmissionQuery {
  /** Undefined for all. */
  accounts: readonly string[] | undefined
  /** Only of this one; undefined for all. */
  principalId?: string | undefined
  states?: readonly SubmissionState[] | undefined
  before?: string | undefined
  limit: number
}

/** What decides whether a submission is frozen. */
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

  /** Newest first. */
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

  /** Of all accounts. */
  async countAllWaiting(): Promise<number> {
    const { count } = await this.#db
      .selectFrom('submissions')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('state', 'in', waitingStates)
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /** That have not ended. */
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
   * Changes one that is in one of these states, and, where a hash is named, has it.
   * @returns How it is then; undefined when it is in another state, or is another message.
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

  /** Those whose time has come, in the order in which it came. @param without Principals that are passed over. */
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

  /** Begins an attempt. @returns How it is then; undefined when it is not due any more. */
  async claim(transaction: Database, id: string): Promise<SubmissionRow | undefined> {
    return transaction
      .updateTable('submissions')
      .set(({ eb }) => ({ state: 'sending', attempts: eb('attempts', '+', 1), due_at: null }))
      .where('id', '=', id)
      .where('state', 'in', dueStates)
      .returningAll()
      .executeTakeFirst()
  }

  /** Of those that wait for an attempt. */
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

  /** When the next one of the account is due. @param after Those that are due by then are passed over. */
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

  /** Whose copy is due first. */
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

  /** Of a copy that waits. @returns How it is then. */
  async changeCopy(
    transaction: Database,
    id: string,
    values: Partial<SubmissionRow>,
  ): Promise<SubmissionRow | undefined> {
    const query = transaction.updateTable('submissions').set(values).where('id', '=', id)
    return query.where('copy_state', '=', 'waiting').returningAll().executeTakeFirst()
  }

  /** Whose messages wait to leave. */
  async listWaitingSenders(): Promise<WaitingSender[]> {
    return this.#db
      .selectFrom('submissions')
      .select(['principal_kind', 'principal_id', 'user_id', 'account_id'])
      .distinct()
      .where('due_at', 'is not', null)
      .execute()
  }

  /** Ids of what waits to leave of one sender, oldest first. */
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

  /** Ids of those in this state, oldest first. */
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

  /** Whether anything of the account was handed over since. */
  async hasSentSince(accountId: string, since: string): Promise<boolean> {
    return (await this.listSentSince(accountId, since, 1)).length > 0
  }

  /** Newest first. */
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

  /** Unless they were changed meanwhile. @returns How it is then. */
  async changeRecipients(
    transaction: Database,
    { id, recipients: before }: Pick<SubmissionRow, 'id' | 'recipients'>,
    recipients: string,
  ): Promise<SubmissionRow | undefined> {
    const query = transaction.updateTable('submissions').set({ recipients }).where('id', '=', id)
    return query.where('recipients', '=', before).returningAll().executeTakeFirst()
  }

  /** Those that have ended and whose copy does not wait, newest first. */
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

  /** Its content is no longer kept. */
  async dropContent(transaction: Database, id: string): Promise<void> {
    await transaction.updateTable('submissions').set({ blob_id: '' }).where('id', '=', id).execute()
  }

  async delete(transaction: Database, id: string): Promise<void> {
    await transaction.deleteFrom('submissions').where('id', '=', id).where('state', 'not in', waitingStates).execute()
  }

  /** Accounts for which there is something to do: to send, to find out about, or to copy. */
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
