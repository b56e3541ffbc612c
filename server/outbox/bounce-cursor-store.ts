/** How far the mail that arrived for each account was looked through for reports, in the database. */
import type { Database } from '../platform/database/database.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    bounce_cursors: BounceCursorRow
  }
}

export interface BounceCursorRow {
  account_id: string
  /** Of the fact in the event log: it and those before it were looked at. */
  number: number
}

export class BounceCursorStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** By account. */
  async list(): Promise<Map<string, number>> {
    const rows = await this.#db.selectFrom('bounce_cursors').selectAll().execute()
    return new Map(rows.map(({ account_id, number }) => [account_id, Number(number)]))
  }

  /** Of accounts that there still are. */
  async save(rows: readonly BounceCursorRow[]): Promise<void> {
    await this.#db.transaction().execute(async transaction => {
      for (const { account_id, number } of rows) {
        const known = await transaction
          .selectFrom('accounts')
          .select('id')
          .where('id', '=', account_id)
          .executeTakeFirst()
        if (!known) continue
        await transaction
          .insertInto('bounce_cursors')
          .values({ account_id, number })
          .onConflict(conflict => conflict.column('account_id').doUpdateSet({ number }))
          .execute()
      }
    })
  }
}
