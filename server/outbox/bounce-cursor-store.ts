/** Stores, for each account, how far its new mail was searched for bounces. */
import type { Database } from '../platform/database/database.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    bounce_cursors: BounceCursorRow
  }
}

export interface BounceCursorRow {
  account_id: string
  /** Number in the event log of the last fact that was checked, with all facts before it. */
  number: number
}

export class BounceCursorStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** @returns Cursors by account id. */
  async list(): Promise<Map<string, number>> {
    const rows = await this.#db.selectFrom('bounce_cursors').selectAll().execute()
    return new Map(rows.map(({ account_id, number }) => [account_id, Number(number)]))
  }

  /** Upserts the cursors of accounts that still exist. */
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
