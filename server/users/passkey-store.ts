/** Passkeys in the database: public keys and signature counters. */
import type { Database } from '../platform/database/database.ts'
import type { PasskeyRow } from './user-tables.ts'

export class PasskeyStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(id: string, db: Database = this.#db): Promise<PasskeyRow | undefined> {
    return db.selectFrom('passkeys').selectAll().where('id', '=', id).executeTakeFirst()
  }

  async listOf(userId: string, db: Database = this.#db): Promise<PasskeyRow[]> {
    return db
      .selectFrom('passkeys')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('created_at')
      .orderBy('id')
      .execute()
  }

  async countOf(userId: string, db: Database = this.#db): Promise<number> {
    const { count } = await db
      .selectFrom('passkeys')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  async insert(row: PasskeyRow, db: Database = this.#db): Promise<void> {
    await db.insertInto('passkeys').values(row).execute()
  }

  /** Records a use. Returns false if the counter went back; synced passkeys stay at 0 (Level 3, section 6.1.1). */
  async use(id: string, use: Pick<PasskeyRow, 'counter' | 'is_backed_up' | 'last_used_at'>): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('passkeys')
      .set(use)
      .where('id', '=', id)
      .where('counter', use.counter === 0 ? '=' : '<', use.counter)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }

  /** Returns true if this user had it. */
  async delete(userId: string, id: string, db: Database = this.#db): Promise<boolean> {
    const { numDeletedRows } = await db
      .deleteFrom('passkeys')
      .where('user_id', '=', userId)
      .where('id', '=', id)
      .executeTakeFirst()
    return numDeletedRows > 0n
  }

  async deleteAllOf(userId: string, db: Database = this.#db): Promise<void> {
    await db.deleteFrom('passkeys').where('user_id', '=', userId).execute()
  }
}
