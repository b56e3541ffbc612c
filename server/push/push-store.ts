/** Web Push in the database: subscriptions, and this server's key pair. */
import type { Database } from '../platform/database/database.ts'
import type { PushKeyRow, PushRow } from './push-tables.ts'

/** Upper bounds for stored subscriptions. */
export interface PushBounds {
  perUser: number
  inAll: number
}

export class PushStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** @returns Newest first. */
  async listOf(userId: string): Promise<PushRow[]> {
    return this.#db
      .selectFrom('push_subscriptions')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .execute()
  }

  async find(id: string): Promise<PushRow | undefined> {
    return this.#db.selectFrom('push_subscriptions').selectAll().where('id', '=', id).executeTakeFirst()
  }

  async listUserIds(): Promise<string[]> {
    const rows = await this.#db.selectFrom('push_subscriptions').select('user_id').distinct().execute()
    return rows.map(row => row.user_id)
  }

  /**
   * Upserts by endpoint: a browser has one, and its current user is notified. Past the bounds the oldest are evicted.
   */
  async put(row: PushRow, { perUser, inAll }: PushBounds): Promise<PushRow> {
    return this.#db.transaction().execute(async transaction => {
      const before = await transaction
        .selectFrom('push_subscriptions')
        .selectAll()
        .where('endpoint', '=', row.endpoint)
        .executeTakeFirst()
      if (before && before.user_id === row.user_id) {
        const { session_id, p256dh, auth, details, user_agent } = row
        const change = { session_id, p256dh, auth, details, user_agent, failing_since: null, last_fault: null }
        await transaction.updateTable('push_subscriptions').set(change).where('id', '=', before.id).execute()
        return { ...before, ...change }
      }
      if (before) await transaction.deleteFrom('push_subscriptions').where('id', '=', before.id).execute()
      await transaction.insertInto('push_subscriptions').values(row).execute()
      await this.#evict(transaction, row, perUser, row.user_id)
      await this.#evict(transaction, row, inAll)
      return row
    })
  }

  /** @param userId Only if it belongs to this user. @returns Whether it existed. */
  async remove(id: string, userId?: string): Promise<boolean> {
    let query = this.#db.deleteFrom('push_subscriptions').where('id', '=', id)
    if (userId !== undefined) query = query.where('user_id', '=', userId)
    const { numDeletedRows } = await query.executeTakeFirstOrThrow()
    return numDeletedRows > 0n
  }

  async noteSuccess(id: string, at: string): Promise<void> {
    const values = { last_success_at: at, failing_since: null, last_fault: null }
    await this.#db.updateTable('push_subscriptions').set(values).where('id', '=', id).execute()
  }

  async noteFault(
    { id, failing_since }: Pick<PushRow, 'id' | 'failing_since'>,
    why: string,
    at: string,
  ): Promise<void> {
    const values = { failing_since: failing_since ?? at, last_fault: why }
    await this.#db.updateTable('push_subscriptions').set(values).where('id', '=', id).execute()
  }

  async findKeys(): Promise<PushKeyRow | undefined> {
    return this.#db.selectFrom('push_keys').selectAll().orderBy('id').limit(1).executeTakeFirst()
  }

  /** If another process was faster, its pair counts. */
  async keepKeys(row: Omit<PushKeyRow, 'id'>): Promise<PushKeyRow> {
    await this.#db
      .insertInto('push_keys')
      .values({ id: 1, ...row })
      .onConflict(conflict => conflict.column('id').doNothing())
      .execute()
    return this.#db.selectFrom('push_keys').selectAll().where('id', '=', 1).executeTakeFirstOrThrow()
  }

  /** Keeps the newest subscriptions, and this one in any case. */
  async #evict(transaction: Database, { id }: PushRow, most: number, userId?: string): Promise<void> {
    let kept = transaction.selectFrom('push_subscriptions').select('id').where('id', '!=', id)
    if (userId !== undefined) kept = kept.where('user_id', '=', userId)
    // SQLite has no OFFSET without LIMIT.
    const gone = await kept
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .limit(1_000)
      .offset(most - 1)
      .execute()
    const ids = gone.map(row => row.id)
    if (ids.length > 0) await transaction.deleteFrom('push_subscriptions').where('id', 'in', ids).execute()
  }
}
