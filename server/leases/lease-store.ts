/** Leases in the database, by the database's own clock; each method is one statement, for any number of leases. */
import { SqliteAdapter, sql } from 'kysely'
import type { Database } from '../platform/database/database.ts'
import type { LeaseRow } from './lease-tables.ts'

/** A lease and its fencing token. */
export type TakenLease = Pick<LeaseRow, 'name' | 'token'>

export class LeaseStore {
  readonly #db: Database
  readonly #isSqlite: boolean

  constructor(db: Database) {
    this.#db = db
    this.#isSqlite = db.getExecutor().adapter instanceof SqliteAdapter
  }

  /** Acquires free and expired leases, with a higher token, and renews those of this holder; returns all of them. */
  async acquire(
    names: readonly string[],
    holder: string,
    seconds: number,
    db: Database = this.#db,
  ): Promise<TakenLease[]> {
    // Sorted, so that two processes do not deadlock.
    const rows = names.toSorted().map(name => sql`(${name}, ${holder}, 1, ${this.#now} + ${seconds})`)
    const { rows: taken } = await sql<TakenLease>`
      insert into leases (name, holder, token, held_until) values ${sql.join(rows)}
      on conflict (name) do update
        set holder = excluded.holder, held_until = excluded.held_until,
          token = leases.token + case when leases.holder = excluded.holder then 0 else 1 end
        where leases.holder is null or leases.holder = excluded.holder or leases.held_until <= ${this.#now}
      returning name, token`.execute(db)
    return taken
  }

  /** Renews all leases of the holder, including expired ones that nobody took; returns them. */
  async renew(holder: string, seconds: number): Promise<TakenLease[]> {
    const { rows } = await sql<TakenLease>`
      update leases set held_until = ${this.#now} + ${seconds} where holder = ${holder} returning name, token`.execute(
      this.#db,
    )
    return rows
  }

  /** Releases all leases of the holder; tokens stay, so that they never go back. */
  async release(holder: string): Promise<void> {
    await this.#db.updateTable('leases').set({ holder: null, held_until: 0 }).where('holder', '=', holder).execute()
  }

  async releaseOne(name: string, holder: string): Promise<void> {
    await this.#db
      .updateTable('leases')
      .set({ holder: null, held_until: 0 })
      .where('name', '=', name)
      .where('holder', '=', holder)
      .execute()
  }

  /** Deletes a lease that is never wanted again. */
  async forget(name: string, holder: string): Promise<void> {
    await this.#db.deleteFrom('leases').where('name', '=', name).where('holder', '=', holder).execute()
  }

  /** Releases the leases of all holders; only for a process that has the database to itself. */
  async releaseAll(): Promise<void> {
    await this.#db.updateTable('leases').set({ holder: null, held_until: 0 }).where('holder', 'is not', null).execute()
  }

  /** Returns true if the token is still the newest. Until the transaction ends no other process can take the lease. */
  async isNewest(transaction: Database, { name, token }: TakenLease, holder: string): Promise<boolean> {
    const found = transaction
      .selectFrom('leases')
      .select('token')
      .where('name', '=', name)
      .where('token', '=', token)
      .where('holder', '=', holder)
    // SQLite runs one write transaction at a time, which fails if what it read has changed.
    const row = await (this.#isSqlite ? found : found.forShare()).executeTakeFirst()
    return row !== undefined
  }

  get #now() {
    return this.#isSqlite ? sql`unixepoch('subsec')` : sql`extract(epoch from clock_timestamp())::double precision`
  }
}
