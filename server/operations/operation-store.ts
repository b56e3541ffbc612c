/** Operations and their messages in the database. Methods that change several rows take the caller's transaction. */
import type { OperationState } from '../../contract/operations.ts'
import type { Database } from '../platform/database/database.ts'
import { later } from '../platform/database/later.ts'
import { type ItemChange, insertItems, updateItems } from './operation-item-store.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'

export interface OperationQuery {
  /** Account ids; undefined for all. */
  accounts: readonly string[] | undefined
  /** Only operations of this principal; undefined for all. */
  principalId?: string | undefined
  /** Only operations of this user, in any of their sessions; undefined for all. */
  userId?: string | undefined
  /** Name of a work session, as given by its principal. */
  session?: string | undefined
  since?: string | undefined
  state?: OperationState | undefined
  before?: string | undefined
  limit: number
}

/** Values per `in (…)`. */
const rowsAtOnce = 500

export class OperationStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Inserts an operation; deferred to the next statement of the transaction. */
  async insert(transaction: Database, operation: OperationRow, items: readonly ItemRow[]): Promise<void> {
    await later(transaction, transaction.insertInto('operations').values(operation))
    await insertItems(transaction, items)
  }

  async find(id: string, db: Database = this.#db): Promise<OperationRow | undefined> {
    return db.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirst()
  }

  async findAll(ids: readonly string[]): Promise<OperationRow[]> {
    if (ids.length === 0) return []
    return this.#db.selectFrom('operations').selectAll().where('id', 'in', ids).execute()
  }

  /** @returns In order of position. */
  async items(operationId: string, db: Database = this.#db): Promise<ItemRow[]> {
    return db
      .selectFrom('operation_items')
      .selectAll()
      .where('operation_id', '=', operationId)
      .orderBy('position')
      .execute()
  }

  /** @returns Newest first. */
  async list(wanted: OperationQuery): Promise<OperationRow[]> {
    const { accounts, principalId, userId, session, since, state, before, limit } = wanted
    if (accounts?.length === 0) return []
    let query = this.#db.selectFrom('operations').selectAll().orderBy('id', 'desc').limit(limit)
    if (accounts) query = query.where('account_id', 'in', accounts)
    if (principalId !== undefined) query = query.where('principal_id', '=', principalId)
    if (userId !== undefined) query = query.where('user_id', '=', userId).where('principal_kind', '=', 'session')
    if (session !== undefined) query = query.where('session', '=', session)
    if (since !== undefined) query = query.where('at', '>=', since)
    if (state !== undefined) query = query.where('state', '=', state)
    if (before !== undefined) query = query.where('id', '<', before)
    return query.execute()
  }

  async newestId(): Promise<string | undefined> {
    const row = await this.#db.selectFrom('operations').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
    return row?.id
  }

  /** Returns the first pending operation. @param after Id of an operation that was skipped. */
  async findNext(accountId: string, after = ''): Promise<OperationRow | undefined> {
    return this.#db
      .selectFrom('operations')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('state', '=', 'pending')
      .where('id', '>', after)
      .orderBy('id')
      .limit(1)
      .executeTakeFirst()
  }

  /** Returns all pending operations in order. */
  async listPending(accountId: string): Promise<OperationRow[]> {
    return this.#db
      .selectFrom('operations')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('state', '=', 'pending')
      .orderBy('id')
      .execute()
  }

  /** Returns operations that were not done to all of their messages, newest first. */
  async listFailed(accountId: string, limit: number): Promise<OperationRow[]> {
    return this.#db
      .selectFrom('operations')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('state', 'in', ['partial', 'failed', 'unknown'])
      .orderBy('id', 'desc')
      .limit(limit)
      .execute()
  }

  /** Counts the account's pending operations and their messages. */
  async countPending(accountId: string, db: Database = this.#db): Promise<{ operations: number; messages: number }> {
    const { operations, messages } = await db
      .selectFrom('operations')
      .select(({ fn }) => [fn.countAll<number>().as('operations'), fn.sum<number | null>('total').as('messages')])
      .where('account_id', '=', accountId)
      .where('state', '=', 'pending')
      .executeTakeFirstOrThrow()
    return { operations: Number(operations), messages: Number(messages ?? 0) }
  }

  async accountsWithPending(): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('operations')
      .select('account_id')
      .distinct()
      .where('state', '=', 'pending')
      .execute()
    return rows.map(({ account_id }) => account_id)
  }

  /** Updates an operation; deferred to the next statement of the transaction. */
  async update(transaction: Database, id: string, values: Partial<OperationRow>): Promise<void> {
    await later(transaction, transaction.updateTable('operations').set(values).where('id', '=', id))
  }

  /** Saves changes to items of one operation; deferred to the next statement of the transaction. */
  async saveItems(transaction: Database, changes: readonly ItemChange[]): Promise<void> {
    await updateItems(transaction, changes)
  }

  /** @returns Null when no operation is settled. */
  async lastSettledAt(accountId: string): Promise<string | null> {
    const { at } = await this.#db
      .selectFrom('operations')
      .select(({ fn }) => fn.max('settled_at').as('at'))
      .where('account_id', '=', accountId)
      .executeTakeFirstOrThrow()
    return at
  }

  /** Sizes of settled operations of an account, newest first. */
  async settledSizes(accountId: string): Promise<{ id: string; at: string; total: number }[]> {
    return this.#db
      .selectFrom('operations')
      .select(['id', 'at', 'total'])
      .where('account_id', '=', accountId)
      .where('state', 'not in', ['pending', 'proposed'])
      .orderBy('id', 'desc')
      .execute()
  }

  async accounts(): Promise<string[]> {
    const rows = await this.#db.selectFrom('operations').select('account_id').distinct().execute()
    return rows.map(({ account_id }) => account_id)
  }

  async delete(ids: readonly string[]): Promise<void> {
    for (const piece of pieces(ids)) {
      await this.#db.transaction().execute(async transaction => {
        await transaction.deleteFrom('operation_items').where('operation_id', 'in', piece).execute()
        await transaction.deleteFrom('operations').where('id', 'in', piece).execute()
      })
    }
  }
}

function* pieces<T>(all: readonly T[]): Generator<T[], undefined> {
  for (let at = 0; at < all.length; at += rowsAtOnce) yield all.slice(at, at + rowsAtOnce)
}
