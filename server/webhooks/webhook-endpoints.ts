/** The interface by which other features manage endpoints: it changes the stored rows and makes the delivery follow. */
import type { Principal } from '../platform/principal.ts'
import type { WebhookEngine } from './webhook-engine.ts'
import type { WebhookBounds, WebhookStore } from './webhook-store.ts'
import type { WebhookBacklogRow, WebhookKindName, WebhookRow } from './webhook-tables.ts'

export class WebhookEndpoints {
  readonly #store: WebhookStore
  readonly #engine: WebhookEngine

  constructor(store: WebhookStore, engine: WebhookEngine) {
    this.#store = store
    this.#engine = engine
  }

  /** Finds an endpoint, with the current progress of its delivery. */
  async find(id: string): Promise<WebhookRow | undefined> {
    const stored = await this.#store.find(id)
    return stored && (this.#engine.find(id) ?? stored)
  }

  /** See `WebhookStore`. */
  verifiedAt(principalId: string, url: string): Promise<string | undefined> {
    return this.#store.verifiedAt(principalId, url)
  }

  /** Adds an endpoint, replacing one that has ended. @returns The bound that is reached, if any. */
  async add(row: WebhookRow, principal: Principal, bounds: WebhookBounds): Promise<number | undefined> {
    const reached = await this.#store.insert(row, bounds)
    if (reached === undefined) await this.#follow(row.id, principal)
    return reached
  }

  /** Updates an endpoint and delivers to it immediately, even if it failed before. @returns Whether it exists. */
  async renew(id: string, values: Partial<WebhookRow>, principal: Principal): Promise<boolean> {
    if (!(await this.#store.renew(id, { ...values, next_try_at: null }))) return false
    await this.#follow(id, principal)
    return true
  }

  /** See `WebhookEngine`. */
  restart(id: string, values: Partial<WebhookRow>, principal: Principal): Promise<boolean> {
    return this.#engine.restart(id, values, principal)
  }

  /**
   * Lists endpoints of one kind, oldest first, with the current progress of their delivery. @param principalId All
   * principals unless given.
   */
  async list(kind: WebhookKindName, principalId?: string): Promise<WebhookRow[]> {
    const rows = await this.#store.listOf(kind, principalId)
    return rows.map(row => this.#engine.find(row.id) ?? row)
  }

  /** Lists the backlogs by endpoint. @param id All endpoints unless given. */
  async backlogs(id?: string): Promise<ReadonlyMap<string, WebhookBacklogRow[]>> {
    const stored = Map.groupBy(await this.#store.listBacklogs(id), row => row.endpoint_id)
    for (const known of stored.keys()) {
      const rows = this.#engine.backlogsOf(known)
      if (rows) stored.set(known, rows)
    }
    return stored
  }

  /** @returns Whether it existed. */
  remove(id: string): Promise<boolean> {
    return this.#engine.remove(id)
  }

  async #follow(id: string, principal: Principal): Promise<void> {
    const row = await this.#store.find(id)
    if (row) await this.#engine.put(row, principal)
  }
}
