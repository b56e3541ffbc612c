/** Operations and their messages in the database. What changes several rows takes the transaction of its caller. */
import type { OperationState } from '../../contract/operations.ts'
import type { Database } from '../platform/database/database.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'

export interface OperationQuery {
  /** Undefined for all. */
  accounts: readonly string[] | undefined
  /** Only of these; undefined for all. */
  principalId?: string | undefined
  /** Sessions of one person are told apart, but all are theirs. */
  userId?: string | undefined
  since?: string | undefined
  state?: OperationState | undefined
  before?: string | undefined
  limit: number
}

/** Of one operation. */
export interface ItemChange {
  item: ItemRow
  values: Partial<ItemRow>
}

/** Rows of one statement, and values of one `in (…)`. */
const rowsAtOnce = 500
/** So many different results are written by one statement each; more by rows. */
const mostGroups = 16

export class OperationStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async insert(transaction: Database, operation: OperationRow, items: readonly ItemRow[]): Promise<void> {
    await transaction.insertInto('operations').values(operation).execute()
    for (const piece of pieces(items)) await transaction.insertInto('operation_items').values(piece).execute()
  }

  async find(id: string, db: Database = this.#db): Promise<OperationRow | undefined> {
    return db.selectFrom('operations').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /** In their order. */
  async items(operationId: string, db: Database = this.#db): Promise<ItemRow[]> {
    return db
      .selectFrom('operation_items')
      .selectAll()
      .where('operation_id', '=', operationId)
      .orderBy('position')
      .execute()
  }

  /** Newest first. */
  async list({ accounts, principalId, userId, since, state, before, limit }: OperationQuery): Promise<OperationRow[]> {
    if (accounts?.length === 0) return []
    let query = this.#db.selectFrom('operations').selectAll().orderBy('id', 'desc').limit(limit)
    if (accounts) query = query.where('account_id', 'in', accounts)
    if (principalId !== undefined) query = query.where('principal_id', '=', principalId)
    if (userId !== undefined) query = query.where('user_id', '=', userId).where('principal_kind', '=', 'session')
    if (since !== undefined) query = query.where('at', '>=', since)
    if (state !== undefined) query = query.where('state', '=', state)
    if (before !== undefined) query = query.where('id', '<', before)
    return query.execute()
  }

  async newestId(): Promise<string | undefined> {
    const row = await this.#db.selectFrom('operations').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst()
    return row?.id
  }

  /** The first one that is not finished. @param after The id of one that was passed over. */
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

  /** All that are not finished, in their order. */
  async listPending(accountId: string): Promise<OperationRow[]> {
    return this.#db
      .selectFrom('operations')
      .selectAll()
      .where('account_id', '=', accountId)
      .where('state', '=', 'pending')
      .orderBy('id')
      .execute()
  }

  /** Those that were not done to all messages, newest first. */
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

  /** Of an account: operations that are not finished, and their messages. */
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

  async update(transaction: Database, id: string, values: Partial<OperationRow>): Promise<void> {
    await transaction.updateTable('operations').set(values).where('id', '=', id).execute()
  }

  /** Most often the same of many. */
  async saveItems(transaction: Database, changes: readonly ItemChange[]): Promise<void> {
    const alike = Map.groupBy(changes, ({ values }) => JSON.stringify(values))
    if (alike.size > mostGroups) {
      return this.#replace(
        transaction,
        changes.map(({ item, values }) => ({ ...item, ...values })),
      )
    }
    for (const group of alike.values()) {
      const { item, values } = group[0]!
      for (const piece of pieces(group)) {
        const positions = piece.map(each => each.item.position)
        await transaction
          .updateTable('operation_items')
          .set(values)
          .where('operation_id', '=', item.operation_id)
          .where('position', 'in', positions)
          .execute()
      }
    }
  }

  async #replace(transaction: Database, items: readonly ItemRow[]): Promise<void> {
    for (const piece of pieces(items)) {
      await transaction
        .insertInto('operation_items')
        .values(piece)
        .onConflict(conflict =>
          conflict.columns(['operation_id', 'position']).doUpdateSet(({ ref }) => ({
            path: ref('excluded.path'),
            uid_validity: ref('excluded.uid_validity'),
            uid: ref('excluded.uid'),
            flags: ref('excluded.flags'),
            identity: ref('excluded.identity'),
            changed: ref('excluded.changed'),
            after_path: ref('excluded.after_path'),
            after_uid_validity: ref('excluded.after_uid_validity'),
            after_uid: ref('excluded.after_uid'),
            state: ref('excluded.state'),
            code: ref('excluded.code'),
            why: ref('excluded.why'),
          })),
        )
        .execute()
    }
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

export function* pieces<T>(all: readonly T[]): Generator<T[], undefined> {
  for (let at = 0; at < all.length; at += rowsAtOnce) yield all.slice(at, at + rowsAtOnce)
}
