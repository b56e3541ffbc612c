/** Rules, alerts and silences in the database. */
import type { Database } from '../platform/database/database.ts'
import type { AlertRow, AlertRuleRow, SilenceRow } from './alert-tables.ts'

/**
 * The alerts visible to a caller without access to everything: those about the machine's load, and about these
 * accounts.
 */
export interface AlertSight {
  loadSeries: readonly string[]
  accounts: readonly string[]
}

export class AlertStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async listRules(): Promise<AlertRuleRow[]> {
    return this.#db.selectFrom('alert_rules').selectAll().where('is_deleted', '=', 0).orderBy('id').execute()
  }

  async findRule(id: string): Promise<AlertRuleRow | undefined> {
    return this.#db
      .selectFrom('alert_rules')
      .selectAll()
      .where('id', '=', id)
      .where('is_deleted', '=', 0)
      .executeTakeFirst()
  }

  async putRule(row: AlertRuleRow): Promise<void> {
    const { id: _, ...values } = row
    await this.#db
      .insertInto('alert_rules')
      .values(row)
      .onConflict(conflict => conflict.column('id').doUpdateSet(values))
      .execute()
  }

  /** Inserts the starter rules; known ones stay as they are, also deleted ones. */
  async addStarters(rows: readonly AlertRuleRow[]): Promise<void> {
    await this.#db
      .insertInto('alert_rules')
      .values([...rows])
      .onConflict(conflict => conflict.column('id').doNothing())
      .execute()
  }

  async deleteRule({ id, is_starter: isStarter }: AlertRuleRow): Promise<void> {
    if (isStarter) await this.#db.updateTable('alert_rules').set({ is_deleted: 1 }).where('id', '=', id).execute()
    else await this.#db.deleteFrom('alert_rules').where('id', '=', id).execute()
    await this.#db.deleteFrom('alert_silences').where('rule_id', '=', id).execute()
  }

  /** Returns pending and firing alerts. */
  async listOpen(): Promise<AlertRow[]> {
    const rows = await this.#db.selectFrom('alerts').selectAll().where('state', '!=', 'cleared').orderBy('id').execute()
    return rows.map(asNumbers)
  }

  async find(id: string): Promise<AlertRow | undefined> {
    const row = await this.#db.selectFrom('alerts').selectAll().where('id', '=', id).executeTakeFirst()
    return row && asNumbers(row)
  }

  /** Returns those that exist, in batches that fit a statement. */
  async listByIds(ids: readonly string[]): Promise<AlertRow[]> {
    const rows: AlertRow[] = []
    for (let at = 0; at < ids.length; at += 500) {
      const piece = this.#db
        .selectFrom('alerts')
        .selectAll()
        .where('id', 'in', ids.slice(at, at + 500))
      rows.push(...(await piece.execute()))
    }
    return rows.map(asNumbers)
  }

  /** Returns the newest first. */
  async list(
    states: readonly AlertRow['state'][],
    sight: AlertSight | undefined,
    limit: number,
    before?: string,
  ): Promise<AlertRow[]> {
    let query = this.#db.selectFrom('alerts').selectAll().where('state', 'in', states)
    if (before !== undefined) query = query.where('id', '<', before)
    if (sight) {
      const { loadSeries, accounts } = sight
      const ofAccounts = accounts.length > 0
      query = query.where(({ or, eb }) =>
        or([eb('series', 'in', loadSeries), ...(ofAccounts ? [eb('account_id', 'in', accounts)] : [])]),
      )
    }
    const rows = await query.orderBy('id', 'desc').limit(limit).execute()
    return rows.map(asNumbers)
  }

  /** Upserts an alert; what a human set meanwhile stays. */
  async put(transaction: Database, row: AlertRow): Promise<void> {
    const { state, value, words, raised_at, good_since, no_data_since, cleared_at, is_quiet } = row
    await transaction
      .insertInto('alerts')
      .values(row)
      .onConflict(conflict =>
        conflict
          .column('id')
          .doUpdateSet({ state, value, words, raised_at, good_since, no_data_since, cleared_at, is_quiet }),
      )
      .execute()
  }

  async delete(transaction: Database, id: string): Promise<void> {
    await transaction.deleteFrom('alerts').where('id', '=', id).execute()
  }

  async acknowledge(id: string, at: string, by: string): Promise<void> {
    await this.#db
      .updateTable('alerts')
      .set({ acknowledged_at: at, acknowledged_by: by })
      .where('id', '=', id)
      .where('acknowledged_at', 'is', null)
      .execute()
  }

  async listSilences(now: string): Promise<SilenceRow[]> {
    return this.#db.selectFrom('alert_silences').selectAll().where('until', '>', now).execute()
  }

  async putSilence(row: SilenceRow): Promise<void> {
    const { until, silenced_by } = row
    await this.#db
      .insertInto('alert_silences')
      .values(row)
      .onConflict(conflict => conflict.columns(['rule_id', 'instance']).doUpdateSet({ until, silenced_by }))
      .execute()
  }

  /** Deletes all but the newest cleared alerts. */
  async prune(kept: number, now: string): Promise<void> {
    const last = await this.#db
      .selectFrom('alerts')
      .select('id')
      .where('state', '=', 'cleared')
      .orderBy('id', 'desc')
      .limit(1)
      .offset(kept)
      .executeTakeFirst()
    if (last) {
      await this.#db.deleteFrom('alerts').where('state', '=', 'cleared').where('id', '<=', last.id).execute()
    }
    await this.#db.deleteFrom('alert_silences').where('until', '<=', now).execute()
  }

  transaction<T>(work: (transaction: Database) => Promise<T>): Promise<T> {
    return this.#db.transaction().execute(work)
  }
}

/** Converts numbers, since PostgreSQL returns bigint as text. */
function asNumbers(row: AlertRow): AlertRow {
  const number = (value: number | null) => (value === null ? null : Number(value))
  const { since, raised_at, good_since, no_data_since, cleared_at } = row
  return {
    ...row,
    since: Number(since),
    raised_at: number(raised_at),
    good_since: number(good_since),
    no_data_since: number(no_data_since),
    cleared_at: number(cleared_at),
  }
}
