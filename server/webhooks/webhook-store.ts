/** Webhook endpoints in the database. */
import type { Database } from '../platform/database/database.ts'
import { later } from '../platform/database/later.ts'
import type { WebhookBacklogRow, WebhookKindName, WebhookRow } from './webhook-tables.ts'

export interface WebhookBounds {
  perPrincipal: number
  inAll: number
}

/** Columns that deliveries change. */
export type WebhookProgress = Pick<
  WebhookRow,
  'id' | 'place' | 'failing_since' | 'failures' | 'next_try_at' | 'last_success_at' | 'last_fault'
> & {
  /** The account of a backlog; undefined for the endpoint itself. */
  account?: string | undefined
}

/** Columns that a caller may change. */
export type WebhookRenewal = Partial<
  Pick<
    WebhookRow,
    | 'secret_sealed'
    | 'previous_sealed'
    | 'previous_until'
    | 'settings'
    | 'verified_at'
    | 'expires_at'
    | 'next_try_at'
    | 'place'
    | 'ending'
    | 'url'
    | 'failing_since'
    | 'failures'
    | 'last_success_at'
    | 'last_fault'
  >
>

export class WebhookStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async list(): Promise<WebhookRow[]> {
    return this.#db.selectFrom('webhook_endpoints').selectAll().orderBy('id').execute()
  }

  /** Lists endpoints of one kind, oldest first. @param principalId All principals unless given. */
  async listOf(kind: WebhookKindName, principalId?: string): Promise<WebhookRow[]> {
    const rows = this.#db.selectFrom('webhook_endpoints').selectAll().where('kind', '=', kind)
    const own = principalId === undefined ? rows : rows.where('principal_id', '=', principalId)
    return own.orderBy('created_at').orderBy('id').execute()
  }

  async find(id: string): Promise<WebhookRow | undefined> {
    return this.#db.selectFrom('webhook_endpoints').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /** Upserts an endpoint, which keeps its place if added concurrently. @returns The bound that is reached, if any. */
  async insert(row: WebhookRow, { perPrincipal, inAll }: WebhookBounds): Promise<number | undefined> {
    return this.#db.transaction().execute(async transaction => {
      // Inserted before counting, so that two concurrent calls count each other.
      const { secret_sealed, settings, verified_at, expires_at } = row
      await transaction
        .insertInto('webhook_endpoints')
        .values(row)
        .onConflict(conflict =>
          conflict.column('id').doUpdateSet({ secret_sealed, settings, verified_at, expires_at, ending: null }),
        )
        .execute()
      const { all, own } = await transaction
        .selectFrom('webhook_endpoints')
        .where('kind', '=', row.kind)
        .select(({ fn, eb }) => [
          fn.countAll<number>().as('all'),
          fn.sum<number>(eb.case().when('principal_id', '=', row.principal_id).then(1).else(0).end()).as('own'),
        ])
        .executeTakeFirstOrThrow()
      const reached = Number(own) > perPrincipal ? perPrincipal : Number(all) > inAll ? inAll : undefined
      if (reached !== undefined) await transaction.deleteFrom('webhook_endpoints').where('id', '=', row.id).execute()
      return reached
    })
  }

  /** @returns Whether it exists. */
  async renew(id: string, values: WebhookRenewal): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('webhook_endpoints')
      .set(values)
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  /** Returns when the principal's endpoint with this URL was last verified. */
  async verifiedAt(principalId: string, url: string): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('webhook_endpoints')
      .select('verified_at')
      .where('principal_id', '=', principalId)
      .where('url', '=', url)
      .orderBy('verified_at', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row?.verified_at
  }

  async saveProgress(transaction: Database, rows: readonly WebhookProgress[]): Promise<void> {
    for (const { id, account, ...values } of rows) {
      if (account === undefined) {
        await later(transaction, transaction.updateTable('webhook_endpoints').set(values).where('id', '=', id))
        continue
      }
      const backlog = transaction.updateTable('webhook_backlogs').set(values).where('endpoint_id', '=', id)
      await later(transaction, backlog.where('account_id', '=', account))
    }
  }

  /** @param id All endpoints unless given. */
  async listBacklogs(id?: string): Promise<WebhookBacklogRow[]> {
    const rows = this.#db.selectFrom('webhook_backlogs').selectAll()
    const own = id === undefined ? rows : rows.where('endpoint_id', '=', id)
    return own.orderBy('endpoint_id').orderBy('account_id').execute()
  }

  async putBacklog(transaction: Database, row: WebhookBacklogRow): Promise<void> {
    const { endpoint_id, account_id, ...values } = row
    await transaction
      .insertInto('webhook_backlogs')
      .values({ endpoint_id, account_id, ...values })
      .onConflict(conflict => conflict.columns(['endpoint_id', 'account_id']).doUpdateSet(values))
      .execute()
  }

  /** Retries the backlogs immediately, with another three days until they are given up. */
  async renewBacklogs(id: string): Promise<void> {
    const fresh = { next_try_at: null, failing_since: null, failures: 0 }
    await this.#db.updateTable('webhook_backlogs').set(fresh).where('endpoint_id', '=', id).execute()
  }

  async removeBacklog(transaction: Database, id: string, accountId: string): Promise<void> {
    const rows = transaction.deleteFrom('webhook_backlogs').where('endpoint_id', '=', id)
    await rows.where('account_id', '=', accountId).execute()
  }

  async removeBacklogs(id: string): Promise<void> {
    await this.#db.deleteFrom('webhook_backlogs').where('endpoint_id', '=', id).execute()
  }

  /** Moves the endpoint back to its furthest backlog, and removes its backlogs. */
  async foldBacklogs(id: string): Promise<void> {
    await this.#db.transaction().execute(async transaction => {
      const { place } = await transaction
        .selectFrom('webhook_backlogs')
        .select(({ fn }) => fn.min('place').as('place'))
        .where('endpoint_id', '=', id)
        .executeTakeFirstOrThrow()
      if (place === null) return
      await transaction.deleteFrom('webhook_backlogs').where('endpoint_id', '=', id).execute()
      await transaction
        .updateTable('webhook_endpoints')
        .set({ place })
        .where('id', '=', id)
        .where('place', '>', place)
        .execute()
    })
  }

  async transact(work: (transaction: Database) => Promise<void>): Promise<void> {
    await this.#db.transaction().execute(work)
  }

  /** @returns Whether it existed. */
  async remove(id: string): Promise<boolean> {
    return this.#db.transaction().execute(async transaction => {
      const { numDeletedRows } = await transaction
        .deleteFrom('webhook_endpoints')
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      await transaction.deleteFrom('webhook_backlogs').where('endpoint_id', '=', id).execute()
      return numDeletedRows > 0n
    })
  }

  /** Returns the number up to which every endpoint has been served; undefined without endpoints. */
  async lowestPlace(): Promise<number | undefined> {
    const { place } = await this.#db
      .selectFrom('webhook_endpoints')
      .select(({ fn }) => fn.min('place').as('place'))
      .where('ending', 'is', null)
      .executeTakeFirstOrThrow()
    const { behind } = await this.#db
      .selectFrom('webhook_backlogs')
      .innerJoin('webhook_endpoints', 'webhook_endpoints.id', 'webhook_backlogs.endpoint_id')
      .select(({ fn }) => fn.min('webhook_backlogs.place').as('behind'))
      .where('webhook_endpoints.ending', 'is', null)
      .executeTakeFirstOrThrow()
    return place === null ? undefined : Math.min(Number(place), Number(behind ?? place))
  }
}
