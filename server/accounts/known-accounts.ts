/**
 * Caches the accounts, since nearly every request reads one, and each read is a round trip to another thread or
 * machine. Facts invalidate the cache.
 */
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import { AccountStore } from './account-store.ts'
import type { AccountRow } from './account-tables.ts'

type Rows = ReadonlyMap<string, AccountRow>

/** Upper bound of a transaction in ms: a write of this process is announced or rolled back by then. */
const settleMs = 60_000

/**
 * Reads accounts from the cache. A change of this process invalidates it before the response, so that later requests
 * see it; a change of another process does so some milliseconds later, or after two seconds if the notification is
 * lost; an added account is found immediately. Memory is bounded by the number of accounts; passwords stay sealed as in
 * the database.
 */
export class KnownAccounts extends AccountStore {
  #rows: Promise<Rows> | undefined
  /** When this process last wrote without announcing it yet: that write may be committed at any moment, or never. */
  #writtenAt = Number.NEGATIVE_INFINITY

  constructor(db: Database, hub: Pick<EventHub, 'listen'>) {
    super(db)
    const changed = () => {
      this.#writtenAt = Number.NEGATIVE_INFINITY
      this.#rows = undefined
    }
    for (const type of ['account_added', 'account_updated', 'account_removed'] as const) hub.listen(type, changed)
  }

  override async list(): Promise<AccountRow[]> {
    return [...(await this.#known()).values()]
  }

  override async listIds(): Promise<string[]> {
    return [...(await this.#known()).keys()]
  }

  /** @param db A transaction, which bypasses the cache to see its own changes. */
  override async find(id: string, db?: Database): Promise<AccountRow | undefined> {
    if (db) return super.find(id, db)
    const known = (await this.#known()).get(id)
    if (known) return known
    // Another process may have added the account, and its caller ask here about it.
    const row = await super.find(id)
    if (row) this.#rows = undefined
    return row
  }

  override async findDefault(): Promise<AccountRow | undefined> {
    return (await this.list()).find(row => row.is_default === 1)
  }

  override insert(transaction: Database, row: Omit<AccountRow, 'is_default'>): Promise<AccountRow> {
    this.#writes()
    return super.insert(transaction, row)
  }

  override update(transaction: Database, row: AccountRow): Promise<void> {
    this.#writes()
    return super.update(transaction, row)
  }

  override delete(transaction: Database, id: string): Promise<void> {
    this.#writes()
    return super.delete(transaction, id)
  }

  #writes(): void {
    this.#writtenAt = performance.now()
    this.#rows = undefined
  }

  /** Coalesces concurrent reads. */
  #known(): Promise<Rows> {
    if (this.#rows) return this.#rows
    const rows = super.list().then(all => new Map(all.map(row => [row.id, Object.freeze(row)])))
    if (performance.now() - this.#writtenAt < settleMs) return rows
    this.#rows = rows
    rows.catch(() => {
      if (this.#rows === rows) this.#rows = undefined
    })
    return rows
  }
}
