/** Accounts in the database; passwords are passed in and out sealed. */
import type { Database } from '../platform/database/database.ts'
import type { AccountRow } from './account-tables.ts'

export class AccountStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async list(): Promise<AccountRow[]> {
    return this.#db.selectFrom('accounts').selectAll().orderBy('created_at').orderBy('id').execute()
  }

  async listIds(): Promise<string[]> {
    return (await this.#db.selectFrom('accounts').select('id').execute()).map(({ id }) => id)
  }

  async find(id: string, db: Database = this.#db): Promise<AccountRow | undefined> {
    return db.selectFrom('accounts').selectAll().where('id', '=', id).executeTakeFirst()
  }

  async findDefault(): Promise<AccountRow | undefined> {
    return this.#db.selectFrom('accounts').selectAll().where('is_default', '=', 1).executeTakeFirst()
  }

  async findLogin(
    login: { host: string; port: number; user: string },
    db: Database = this.#db,
  ): Promise<AccountRow | undefined> {
    return db
      .selectFrom('accounts')
      .selectAll()
      .where('imap_host', '=', login.host)
      .where('imap_port', '=', login.port)
      .where('imap_user', '=', login.user)
      .executeTakeFirst()
  }

  /** Inserts an account; the first one becomes the default. */
  async insert(transaction: Database, row: Omit<AccountRow, 'is_default'>): Promise<AccountRow> {
    const known = await transaction.selectFrom('accounts').select('id').where('is_default', '=', 1).executeTakeFirst()
    const whole = { ...row, is_default: known ? 0 : 1 }
    await transaction.insertInto('accounts').values(whole).execute()
    return whole
  }

  /** Updates an account; there is at most one default. */
  async update(transaction: Database, row: AccountRow): Promise<void> {
    if (row.is_default) {
      await transaction.updateTable('accounts').set({ is_default: 0 }).where('id', '!=', row.id).execute()
    }
    await transaction.updateTable('accounts').set(row).where('id', '=', row.id).execute()
  }

  /** Deletes an account; if it was the default, the oldest remaining one becomes it. */
  async delete(transaction: Database, id: string): Promise<void> {
    await transaction.deleteFrom('accounts').where('id', '=', id).execute()
    const left = await transaction
      .selectFrom('accounts')
      .select(['id', 'is_default'])
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    if (left.length === 0 || left.some(row => row.is_default)) return
    await transaction.updateTable('accounts').set({ is_default: 1 }).where('id', '=', left[0]!.id).execute()
  }
}
