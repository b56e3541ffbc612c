/** Freezes in the database. */
import type { Database } from '../platform/database/database.ts'
import type { FreezeRow } from './freeze-tables.ts'

export class FreezeStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Lists freezes that are not lifted. */
  async listActive(db: Database = this.#db): Promise<FreezeRow[]> {
    return db
      .selectFrom('freezes')
      .selectAll()
      .where('lifted_at', 'is', null)
      .orderBy('at', 'desc')
      .orderBy('id')
      .execute()
  }

  /** Lists all freezes, newest first. */
  async list(limit: number): Promise<FreezeRow[]> {
    return this.#db.selectFrom('freezes').selectAll().orderBy('at', 'desc').orderBy('id').limit(limit).execute()
  }

  async insert(transaction: Database, row: FreezeRow): Promise<void> {
    await transaction.insertInto('freezes').values(row).execute()
  }

  /** Returns false if the freeze is lifted already, or does not exist. */
  async lift(
    transaction: Database,
    id: string,
    lifted: Pick<FreezeRow, 'lifted_at' | 'lifted_by_kind' | 'lifted_by_id' | 'lifted_by_name'>,
  ): Promise<boolean> {
    const { numUpdatedRows } = await transaction
      .updateTable('freezes')
      .set(lifted)
      .where('id', '=', id)
      .where('lifted_at', 'is', null)
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  /** Deletes all lifted freezes but the newest. */
  async forgetBeyond(transaction: Database, kept: number): Promise<void> {
    const oldest = await transaction
      .selectFrom('freezes')
      .select('at')
      .where('lifted_at', 'is not', null)
      .orderBy('at', 'desc')
      .orderBy('id')
      .offset(kept)
      .limit(1)
      .executeTakeFirst()
    if (!oldest) return
    await transaction.deleteFrom('freezes').where('lifted_at', 'is not', null).where('at', '<=', oldest.at).execute()
  }
}
