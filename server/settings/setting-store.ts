/** Settings in the database: a name and a JSON value each. */
import type { Database } from '../platform/database/database.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    settings: SettingRow
  }
}

interface SettingRow {
  name: string
  /** JSON. */
  value: string
  updated_at: string
}

export class SettingStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(name: string, db: Database = this.#db): Promise<unknown> {
    const row = await db.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst()
    return row ? JSON.parse(row.value) : undefined
  }

  async save(transaction: Database, name: string, value: unknown, now: string): Promise<void> {
    const row = { value: JSON.stringify(value), updated_at: now }
    await transaction
      .insertInto('settings')
      .values({ name, ...row })
      .onConflict(conflict => conflict.column('name').doUpdateSet(row))
      .execute()
  }
}
