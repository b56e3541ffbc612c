/** The identities of accounts, in the database. */
import type { Database } from '../platform/database/database.ts'
import type { SignatureRow } from './draft-tables.ts'

export class IdentityStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(accountId: string, db: Database = this.#db): Promise<SignatureRow | undefined> {
    return db.selectFrom('signatures').selectAll().where('account_id', '=', accountId).executeTakeFirst()
  }

  /** Returns the address of an existing account. */
  async emailOf(accountId: string, db: Database = this.#db): Promise<string> {
    const row = await db.selectFrom('accounts').select('email').where('id', '=', accountId).executeTakeFirst()
    return row?.email ?? ''
  }

  async save(row: SignatureRow, db: Database = this.#db): Promise<void> {
    const { account_id: _account, ...values } = row
    await db
      .insertInto('signatures')
      .values(row)
      .onConflict(conflict => conflict.column('account_id').doUpdateSet(values))
      .execute()
  }
}
