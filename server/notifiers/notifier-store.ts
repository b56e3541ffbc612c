/** Notifiers, their notices and attempts in the database. */
import { notifierBounds } from '../../contract/notifiers.ts'
import type { Database } from '../platform/database/database.ts'
import type { DeliveryRow, NoticeRow, NotifiedRow, NotifierRow } from './notifier-tables.ts'

/** The result of an attempt to deliver a notice. */
export interface AttemptResult {
  delivery: DeliveryRow
  /** Undefined if it was delivered or given up. */
  again: Pick<NoticeRow, 'attempts' | 'next_try_at' | 'is_refused'> | undefined
  standing: Partial<Pick<NotifierRow, 'failing_since' | 'last_fault' | 'last_success_at'>>
}

export interface RoundChanges {
  notices: readonly NoticeRow[]
  notified: readonly NotifiedRow[]
  forgotten: readonly Pick<NotifiedRow, 'notifier_id' | 'alert_id'>[]
  /** Ids of notices that another notifier announces instead. */
  handedOver: readonly string[]
}

/** Rows per statement. */
const rowsAtOnce = 100

export class NotifierStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async list(): Promise<NotifierRow[]> {
    const rows = await this.#db.selectFrom('notifiers').selectAll().orderBy('id').execute()
    return rows.map(asNumbers)
  }

  async find(id: string): Promise<NotifierRow | undefined> {
    const row = await this.#db.selectFrom('notifiers').selectAll().where('id', '=', id).executeTakeFirst()
    return row && asNumbers(row)
  }

  /** @returns False if the limit is reached. */
  async insert(row: NotifierRow): Promise<boolean> {
    return this.#db.transaction().execute(async transaction => {
      // Inserted first, so that concurrent ones count each other.
      await transaction.insertInto('notifiers').values(row).execute()
      const { all } = await transaction
        .selectFrom('notifiers')
        .select(({ fn }) => fn.countAll<number>().as('all'))
        .executeTakeFirstOrThrow()
      const isRoom = Number(all) <= notifierBounds.notifiers
      if (!isRoom) await transaction.deleteFrom('notifiers').where('id', '=', row.id).execute()
      return isRoom
    })
  }

  /** Changes a notifier; its pending notice is retried immediately. */
  async change(
    id: string,
    values: Pick<NotifierRow, 'routing' | 'target_sealed' | 'changed_at' | 'changed_by'>,
    now: number,
  ): Promise<void> {
    await this.#db.transaction().execute(async transaction => {
      await transaction.updateTable('notifiers').set(values).where('id', '=', id).execute()
      await transaction.updateTable('notices').set({ next_try_at: now }).where('notifier_id', '=', id).execute()
    })
  }

  async setRouting(id: string, routing: string): Promise<void> {
    await this.#db.updateTable('notifiers').set({ routing }).where('id', '=', id).execute()
  }

  async delete(id: string): Promise<void> {
    await this.#db.transaction().execute(async transaction => {
      await transaction.deleteFrom('notifiers').where('id', '=', id).execute()
      await transaction.deleteFrom('notices').where('notifier_id', '=', id).execute()
      await transaction.deleteFrom('notified_alerts').where('notifier_id', '=', id).execute()
      await transaction.deleteFrom('notifier_deliveries').where('notifier_id', '=', id).execute()
    })
  }

  async listNotices(): Promise<NoticeRow[]> {
    const rows = await this.#db.selectFrom('notices').selectAll().orderBy('id').execute()
    return rows.map(row => ({
      ...row,
      created_at: Number(row.created_at),
      next_try_at: Number(row.next_try_at),
    }))
  }

  async listNotified(): Promise<NotifiedRow[]> {
    const rows = await this.#db.selectFrom('notified_alerts').selectAll().execute()
    return rows.map(row => ({
      ...row,
      first_at: Number(row.first_at),
      told_at: row.told_at === null ? null : Number(row.told_at),
    }))
  }

  transaction<T>(work: (transaction: Database) => Promise<T>): Promise<T> {
    return this.#db.transaction().execute(work)
  }

  /** Stores a round; notices of notifiers deleted meanwhile are dropped. */
  async apply(transaction: Database, { notices, notified, forgotten, handedOver }: RoundChanges): Promise<void> {
    for (const { notifier_id, alert_id } of forgotten) {
      await transaction
        .deleteFrom('notified_alerts')
        .where('notifier_id', '=', notifier_id)
        .where('alert_id', '=', alert_id)
        .execute()
    }
    for (let at = 0; at < notified.length; at += rowsAtOnce) {
      await transaction
        .insertInto('notified_alerts')
        .values(notified.slice(at, at + rowsAtOnce))
        .onConflict(conflict =>
          conflict.columns(['notifier_id', 'alert_id']).doUpdateSet(({ ref }) => ({
            state: ref('excluded.state'),
            first_at: ref('excluded.first_at'),
            told_at: ref('excluded.told_at'),
            is_escalated: ref('excluded.is_escalated'),
          })),
        )
        .execute()
    }
    for (const notice of notices) {
      const { notifier_id: id, created_at: at } = notice
      const { numUpdatedRows } = await transaction
        .updateTable('notifiers')
        .set({ noticed_at: at })
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      if (numUpdatedRows > 0n) await transaction.insertInto('notices').values(notice).execute()
    }
    if (handedOver.length > 0) {
      await transaction.updateTable('notices').set({ is_handed_over: 1 }).where('id', 'in', handedOver).execute()
    }
  }

  async finish(transaction: Database, noticeId: string, { delivery, again, standing }: AttemptResult): Promise<void> {
    if (again) await transaction.updateTable('notices').set(again).where('id', '=', noticeId).execute()
    else await transaction.deleteFrom('notices').where('id', '=', noticeId).execute()
    await this.note(transaction, delivery)
    await transaction.updateTable('notifiers').set(standing).where('id', '=', delivery.notifier_id).execute()
  }

  /** Stores a delivery and prunes old ones; dropped if the notifier was deleted meanwhile. */
  async note(transaction: Database, delivery: DeliveryRow): Promise<void> {
    const { notifier_id: id } = delivery
    const known = await transaction.selectFrom('notifiers').select('id').where('id', '=', id).executeTakeFirst()
    if (!known) return
    await transaction.insertInto('notifier_deliveries').values(delivery).execute()
    const last = await transaction
      .selectFrom('notifier_deliveries')
      .select('id')
      .where('notifier_id', '=', id)
      .orderBy('id', 'desc')
      .limit(1)
      .offset(notifierBounds.deliveries)
      .executeTakeFirst()
    if (!last) return
    await transaction
      .deleteFrom('notifier_deliveries')
      .where('notifier_id', '=', id)
      .where('id', '<=', last.id)
      .execute()
  }

  /** Returns the newest first. */
  async listDeliveries(notifierId: string): Promise<DeliveryRow[]> {
    return this.#db
      .selectFrom('notifier_deliveries')
      .selectAll()
      .where('notifier_id', '=', notifierId)
      .orderBy('id', 'desc')
      .limit(notifierBounds.deliveries)
      .execute()
  }

  async newestDeliveryId(): Promise<string | undefined> {
    const { id } = await this.#db
      .selectFrom('notifier_deliveries')
      .select(({ fn }) => fn.max('id').as('id'))
      .executeTakeFirstOrThrow()
    return id ?? undefined
  }
}

/** Converts numbers, since PostgreSQL returns bigint as text. */
function asNumbers(row: NotifierRow): NotifierRow {
  return { ...row, noticed_at: row.noticed_at === null ? null : Number(row.noticed_at) }
}
