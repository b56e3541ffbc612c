/** Stores the traffic of accounts by day and purpose. */
import type { Purpose } from '../imap/traffic.ts'
import type { Database } from '../platform/database/database.ts'

declare module '../platform/database/tables.ts' {
  interface Tables {
    mail_usage: UsageRow
  }
}

export interface UsageRow {
  account_id: string
  /** Date in UTC, such as `2026-11-28`. */
  day: string
  purpose: Purpose
  received: number
  sent: number
  connections: number
  /** Maximum of the account's concurrent connections when one for this purpose was opened. */
  most_open: number
}

/** Rows per statement. */
const rowsAtOnce = 100

export class UsageStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Adds to the stored rows. Rows of deleted accounts are dropped. */
  async add(rows: readonly UsageRow[]): Promise<void> {
    await this.#db.transaction().execute(async transaction => {
      const accounts = await transaction.selectFrom('accounts').select('id').execute()
      const known = new Set(accounts.map(({ id }) => id))
      const kept = rows.filter(({ account_id }) => known.has(account_id))
      for (let from = 0; from < kept.length; from += rowsAtOnce) {
        await transaction
          .insertInto('mail_usage')
          .values(kept.slice(from, from + rowsAtOnce))
          .onConflict(conflict =>
            conflict.columns(['account_id', 'day', 'purpose']).doUpdateSet(({ ref, eb }) => {
              const sum = (name: 'received' | 'sent' | 'connections') =>
                eb(ref(`mail_usage.${name}`), '+', ref(`excluded.${name}`))
              const [before, now] = [ref('mail_usage.most_open'), ref('excluded.most_open')]
              return {
                received: sum('received'),
                sent: sum('sent'),
                connections: sum('connections'),
                most_open: eb.case().when(before, '>', now).then(before).else(now).end(),
              }
            }),
          )
          .execute()
      }
    })
  }

  /** Lists rows, the newest first. */
  async list(accountId: string): Promise<UsageRow[]> {
    return this.#db
      .selectFrom('mail_usage')
      .selectAll()
      .where('account_id', '=', accountId)
      .orderBy('day', 'desc')
      .orderBy('purpose')
      .execute()
  }

  async receivedOn(accountId: string, day: string): Promise<number> {
    const rows = await this.#db
      .selectFrom('mail_usage')
      .select('received')
      .where('account_id', '=', accountId)
      .where('day', '=', day)
      .execute()
    return rows.reduce((sum, { received }) => sum + received, 0)
  }

  async deleteBefore(day: string): Promise<void> {
    await this.#db.deleteFrom('mail_usage').where('day', '<', day).execute()
  }
}
