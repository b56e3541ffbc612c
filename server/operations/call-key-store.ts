/** Idempotency keys of callers in the database, with the answers of their calls. */
import type { Database } from '../platform/database/database.ts'
import type { KeyRow } from './operation-tables.ts'

export class CallKeyStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(
    { principal_id, key }: Pick<KeyRow, 'principal_id' | 'key'>,
    db: Database = this.#db,
  ): Promise<KeyRow | undefined> {
    return db
      .selectFrom('operation_keys')
      .selectAll()
      .where('principal_id', '=', principal_id)
      .where('key', '=', key)
      .executeTakeFirst()
  }

  async keep(transaction: Database, row: KeyRow): Promise<void> {
    const { principal_id, key, ...values } = row
    await transaction
      .insertInto('operation_keys')
      .values(row)
      .onConflict(conflict => conflict.columns(['principal_id', 'key']).doUpdateSet(values))
      .execute()
  }

  async deleteBefore(at: string): Promise<void> {
    await this.#db.deleteFrom('operation_keys').where('at', '<', at).execute()
  }

  /** Deletes all but the newest keys of each caller. @param most Keys to keep per caller. */
  async deleteBeyond(most: number): Promise<void> {
    const crowded = await this.#db
      .selectFrom('operation_keys')
      .select('principal_id')
      .groupBy('principal_id')
      .having(({ fn }) => fn.countAll(), '>', most)
      .execute()
    for (const { principal_id } of crowded) {
      const last = await this.#db
        .selectFrom('operation_keys')
        .select('at')
        .where('principal_id', '=', principal_id)
        .orderBy('at', 'desc')
        .offset(most)
        .limit(1)
        .executeTakeFirst()
      if (!last) continue
      await this.#db
        .deleteFrom('operation_keys')
        .where('principal_id', '=', principal_id)
        .where('at', '<=', last.at)
        .execute()
    }
  }
}
