/** Policies, uses of rates, and reads of strangers' mail, in the database. */
import type { Database } from '../platform/database/database.ts'
import type { PolicyRow, StrangerReadRow, UseRow } from './policy-tables.ts'

export interface Used {
  messages: number
  recipients: number
}

export class PolicyStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async list(): Promise<PolicyRow[]> {
    return this.#db.selectFrom('token_policies').selectAll().execute()
  }

  async find(tokenId: string, db: Database = this.#db): Promise<PolicyRow | undefined> {
    return db.selectFrom('token_policies').selectAll().where('token_id', '=', tokenId).executeTakeFirst()
  }

  async save(transaction: Database, row: PolicyRow): Promise<void> {
    const { token_id, ...values } = row
    await transaction
      .insertInto('token_policies')
      .values(row)
      .onConflict(conflict => conflict.column('token_id').doUpdateSet(values))
      .execute()
  }

  /** Sums the uses after a time, exclusively. */
  async used(principalId: string, kind: UseRow['kind'], since: string, db: Database = this.#db): Promise<Used> {
    const { messages, recipients } = await db
      .selectFrom('policy_uses')
      .select(({ fn }) => [
        fn.sum<number | null>('messages').as('messages'),
        fn.sum<number | null>('recipients').as('recipients'),
      ])
      .where('principal_id', '=', principalId)
      .where('kind', '=', kind)
      .where('at', '>', since)
      .executeTakeFirstOrThrow()
    return { messages: Number(messages ?? 0), recipients: Number(recipients ?? 0) }
  }

  async addUse(db: Database, row: UseRow): Promise<void> {
    await db.insertInto('policy_uses').values(row).execute()
  }

  async forgetUses(before: string): Promise<void> {
    await this.#db.deleteFrom('policy_uses').where('at', '<', before).execute()
  }

  async findStrangerRead(principalId: string, db: Database = this.#db): Promise<StrangerReadRow | undefined> {
    return db.selectFrom('stranger_reads').selectAll().where('principal_id', '=', principalId).executeTakeFirst()
  }

  /** Never moves back in time: of two processes the later read counts. */
  async saveStrangerRead(row: StrangerReadRow): Promise<void> {
    await this.#db
      .insertInto('stranger_reads')
      .values(row)
      .onConflict(conflict =>
        conflict.column('principal_id').doUpdateSet({ at: row.at }).where('stranger_reads.at', '<', row.at),
      )
      .execute()
  }

  async forgetStrangerReads(before: string): Promise<void> {
    await this.#db.deleteFrom('stranger_reads').where('at', '<', before).execute()
  }
}
