/** Model providers and settings of the assistant in the database; keys are passed in and out sealed. */
import type { Database } from '../platform/database/database.ts'
import type { AssistantProviderRow } from './assistant-settings-tables.ts'

export class AssistantSettingsStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async listProviders(): Promise<AssistantProviderRow[]> {
    return this.#db.selectFrom('assistant_providers').selectAll().orderBy('created_at').orderBy('id').execute()
  }

  async putProvider(transaction: Database, row: AssistantProviderRow): Promise<void> {
    const { id: _id, created_at: _created, ...change } = row
    await transaction
      .insertInto('assistant_providers')
      .values(row)
      .onConflict(conflict => conflict.column('id').doUpdateSet(change))
      .execute()
  }

  async deleteProvider(transaction: Database, id: string): Promise<void> {
    await transaction.deleteFrom('assistant_providers').where('id', '=', id).execute()
  }

  async find(): Promise<unknown> {
    const row = await this.#db.selectFrom('assistant_settings').select('value').where('id', '=', 1).executeTakeFirst()
    return row && JSON.parse(row.value)
  }

  async save(transaction: Database, value: unknown, at: string): Promise<void> {
    const row = { value: JSON.stringify(value), changed_at: at }
    await transaction
      .insertInto('assistant_settings')
      .values({ id: 1, ...row })
      .onConflict(conflict => conflict.column('id').doUpdateSet(row))
      .execute()
  }
}
