/** Approvals in the database. A change applies only to the state and the hash that it is meant for. */
import type { ApprovalState } from '../../contract/approvals.ts'
import type { Database } from '../platform/database/database.ts'
import type { ApprovalRow } from './approval-tables.ts'

export interface ApprovalQuery {
  /** Account ids; undefined for all. */
  accounts: readonly string[] | undefined
  principalId?: string | undefined
  state?: ApprovalState | undefined
}

export type Requester = Pick<ApprovalRow, 'principal_kind' | 'principal_id' | 'user_id' | 'account_id'>

export class ApprovalStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async insert(transaction: Database, row: ApprovalRow): Promise<void> {
    await transaction.insertInto('approvals').values(row).execute()
  }

  async find(id: string, db: Database = this.#db): Promise<ApprovalRow | undefined> {
    return db.selectFrom('approvals').selectAll().where('id', '=', id).executeTakeFirst()
  }

  async findOf(submissionId: string, db: Database = this.#db): Promise<ApprovalRow | undefined> {
    return db.selectFrom('approvals').selectAll().where('submission_id', '=', submissionId).executeTakeFirst()
  }

  async findAllOf(submissionIds: readonly string[]): Promise<ApprovalRow[]> {
    if (submissionIds.length === 0) return []
    return this.#db.selectFrom('approvals').selectAll().where('submission_id', 'in', submissionIds).execute()
  }

  /** @returns Whether the approval was waiting, with this hash. */
  async change(
    transaction: Database,
    { id, hash }: Pick<ApprovalRow, 'id' | 'hash'>,
    values: Partial<ApprovalRow>,
  ): Promise<boolean> {
    const { numUpdatedRows } = await transaction
      .updateTable('approvals')
      .set(values)
      .where('id', '=', id)
      .where('hash', '=', hash)
      .where('state', '=', 'waiting')
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  /** Lists waiting approvals, oldest first. */
  async listWaiting(query: ApprovalQuery, after: string | undefined, limit: number): Promise<ApprovalRow[]> {
    let found = this.#seen(query).where('state', '=', 'waiting').orderBy('id').limit(limit)
    if (after !== undefined) found = found.where('id', '>', after)
    return found.execute()
  }

  /** Lists decided approvals, newest first. */
  async listDecided(query: ApprovalQuery, before: string | undefined, limit: number): Promise<ApprovalRow[]> {
    let found = this.#seen(query).where('state', '!=', 'waiting').orderBy('id', 'desc').limit(limit)
    if (query.state !== undefined) found = found.where('state', '=', query.state)
    if (before !== undefined) found = found.where('id', '<', before)
    return found.execute()
  }

  async countWaiting({ accounts, principalId }: ApprovalQuery): Promise<number> {
    if (accounts?.length === 0) return 0
    let query = this.#db.selectFrom('approvals').select(({ fn }) => fn.countAll<number>().as('count'))
    query = query.where('state', '=', 'waiting')
    if (accounts) query = query.where('account_id', 'in', accounts)
    if (principalId !== undefined) query = query.where('principal_id', '=', principalId)
    return Number((await query.executeTakeFirstOrThrow()).count)
  }

  /** Lists waiting approvals that have expired. */
  async listExpired(at: string, limit: number): Promise<ApprovalRow[]> {
    return this.#db
      .selectFrom('approvals')
      .selectAll()
      .where('state', '=', 'waiting')
      .where('expires_at', '<=', at)
      .orderBy('expires_at')
      .limit(limit)
      .execute()
  }

  /** Lists the distinct senders of waiting approvals. */
  async listSenders(): Promise<Requester[]> {
    return this.#db
      .selectFrom('approvals')
      .select(['principal_kind', 'principal_id', 'user_id', 'account_id'])
      .distinct()
      .where('state', '=', 'waiting')
      .execute()
  }

  async listWaitingOf({ principal_id: id, account_id: accountId }: Requester, limit: number): Promise<ApprovalRow[]> {
    return this.#db
      .selectFrom('approvals')
      .selectAll()
      .where('state', '=', 'waiting')
      .where('principal_id', '=', id)
      .where('account_id', '=', accountId)
      .orderBy('id')
      .limit(limit)
      .execute()
  }

  async newestId(): Promise<string | undefined> {
    const row = await this.#db.selectFrom('approvals').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
    return row?.id
  }

  #seen({ accounts, principalId }: ApprovalQuery) {
    // No account has an empty id.
    let query = this.#db.selectFrom('approvals').selectAll()
    if (accounts) query = query.where('account_id', 'in', accounts.length > 0 ? accounts : [''])
    if (principalId !== undefined) query = query.where('principal_id', '=', principalId)
    return query
  }
}
