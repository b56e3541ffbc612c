/** Stores what was learned of the accounts' mail servers. */
import type { QuotaLevel } from '../../contract/account-server.ts'
import type { Database } from '../platform/database/database.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    mail_servers: ServerRow
  }
}

export interface ServerRow {
  account_id: string
  /** Capabilities of the IMAP server, as JSON. */
  imap_offers: string | null
  imap_at: string | null
  connection_limit: number | null
  /** Time in milliseconds before one more connection is tried. */
  limit_wait_ms: number | null
  limit_at: string | null
  smtp_offers: string | null
  smtp_at: string | null
  /** `QuotaFigures` as JSON. */
  quota: string | null
  quota_at: string | null
  /** The level announced last. */
  quota_level: QuotaLevel
}

export class ServerStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async list(): Promise<ServerRow[]> {
    return this.#db.selectFrom('mail_servers').selectAll().execute()
  }

  /** Saves a row unless the account was deleted. @returns Whether the account exists. */
  async save(row: ServerRow, db: Database = this.#db): Promise<boolean> {
    const { account_id: id, ...values } = row
    const account = await db.selectFrom('accounts').select('id').where('id', '=', id).executeTakeFirst()
    if (!account) return false
    await db
      .insertInto('mail_servers')
      .values(row)
      .onConflict(conflict => conflict.column('account_id').doUpdateSet(values))
      .execute()
    return true
  }
}
