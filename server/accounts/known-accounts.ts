/** The accounts as they were last read: nearly each request asks for one, and each look is a way to another thread or machine and back. Facts say when they have changed. */
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import { AccountStore } from './account-store.ts'
import type { AccountRow } from './account-tables.ts'

type Rows = ReadonlyMap<string, AccountRow>

/** What was written here is told by then, or was taken back: no transaction lasts so long. */
const settleMs = 60_000

/**
 * A change of this process is told before it is answered: callers that ask after the answer see what it says. One of another process is told some
 * milliseconds after it, or two seconds where the word of it is lost; an account that is added is found at once. Memory is bounded by the accounts
 * that there are; their passwords are as sealed as in the database.
 */
export class KnownAccounts extends AccountStore {
  #rows: Promise<Rows> | undefined
  /** When something was written here that was not told yet: it may be committed at any moment, or never. */
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

  /** @param db A transaction sees what it has changed itself. */
  override async find(id: string, db?: Database): Promise<AccountRow | undefined> {
    if (db) return super.find(id, db)
    const known = (await this.#known()).get(id)
    if (known) return known
    // Another process may have added it, and its caller ask here for what it was just told of.
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

  /** One look for all who ask meanwhile. */
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
