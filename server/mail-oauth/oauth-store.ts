/** Clients and grants in the database; secrets are passed in and out sealed. */
import type { Database } from '../platform/database/database.ts'
import type { OAuthClientRow, OAuthGrantRow } from './oauth-tables.ts'

/** The columns that a refresh changes. */
export type NewTokens = Pick<
  OAuthGrantRow,
  'scopes' | 'refresh_sealed' | 'access_sealed' | 'access_expires_at' | 'refreshed_at' | 'refresh_at'
>

const unlocked = { locked_by: null, locked_until: null }

export class OAuthStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async listClients(): Promise<OAuthClientRow[]> {
    return this.#db.selectFrom('oauth_clients').selectAll().orderBy('id').execute()
  }

  async putClient(transaction: Database, row: OAuthClientRow): Promise<void> {
    const { id: _id, ...change } = row
    await transaction
      .insertInto('oauth_clients')
      .values(row)
      .onConflict(conflict => conflict.column('id').doUpdateSet(change))
      .execute()
  }

  async deleteClient(transaction: Database, id: string): Promise<void> {
    await transaction.deleteFrom('oauth_clients').where('id', '=', id).execute()
  }

  /** Counts grants that have an account, by provider. */
  async countAccounts(db: Database = this.#db): Promise<Map<string, number>> {
    const rows = await db
      .selectFrom('oauth_grants')
      .select(({ fn }) => ['provider', fn.countAll<number>().as('count')])
      .where('account_id', 'is not', null)
      .groupBy('provider')
      .execute()
    return new Map(rows.map(({ provider, count }) => [provider, Number(count)]))
  }

  async find(id: string, db: Database = this.#db): Promise<OAuthGrantRow | undefined> {
    return db.selectFrom('oauth_grants').selectAll().where('id', '=', id).executeTakeFirst()
  }

  async insert(row: OAuthGrantRow, db: Database = this.#db): Promise<void> {
    await db.insertInto('oauth_grants').values(row).execute()
  }

  /** Replaces a grant after a new sign-in: its failure is cleared, and no process has it locked. */
  async replace(transaction: Database, row: OAuthGrantRow): Promise<void> {
    const { id, ...change } = row
    await transaction.updateTable('oauth_grants').set(change).where('id', '=', id).execute()
  }

  /** Binds a grant to an account; only once. */
  async bind(transaction: Database, id: string, accountId: string): Promise<boolean> {
    const { numUpdatedRows } = await transaction
      .updateTable('oauth_grants')
      .set({ account_id: accountId })
      .where('id', '=', id)
      .where('account_id', 'is', null)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }

  async delete(transaction: Database, id: string): Promise<void> {
    await transaction.deleteFrom('oauth_grants').where('id', '=', id).execute()
  }

  /** Deletes grants of which no account was made. */
  async deleteWaiting(before: string): Promise<void> {
    await this.#db.deleteFrom('oauth_grants').where('account_id', 'is', null).where('granted_at', '<', before).execute()
  }

  /** Records the first login with this access token. */
  async markUsed(
    id: string,
    { access_sealed }: Pick<OAuthGrantRow, 'access_sealed'>,
    refreshAt: string | null,
  ): Promise<void> {
    await this.#db
      .updateTable('oauth_grants')
      .set({ is_used: 1, refresh_at: refreshAt })
      .where('id', '=', id)
      .where('access_sealed', '=', access_sealed)
      .execute()
  }

  /** Returns by provider when the first grant of an enabled account is due. */
  async firstDue(): Promise<Map<string, string>> {
    const rows = await this.#active()
      .select(({ fn }) => ['oauth_grants.provider', fn.min<string>('oauth_grants.refresh_at').as('at')])
      .where('oauth_grants.refresh_at', 'is not', null)
      .groupBy('oauth_grants.provider')
      .execute()
    return new Map(rows.map(({ provider, at }) => [provider, at]))
  }

  /**
   * Returns due grants of enabled accounts of one provider, the longest due first. Per provider, so that one that is
   * down takes no place of others.
   */
  async listDue(provider: string, now: string, limit: number): Promise<string[]> {
    const rows = await this.#active()
      .select('oauth_grants.id')
      .where('oauth_grants.provider', '=', provider)
      .where('oauth_grants.refresh_at', '<=', now)
      .orderBy('oauth_grants.refresh_at')
      .limit(limit)
      .execute()
    return rows.map(({ id }) => id)
  }

  #active() {
    return this.#db
      .selectFrom('oauth_grants')
      .innerJoin('accounts', 'accounts.id', 'oauth_grants.account_id')
      .where('accounts.enabled', '=', 1)
      .where('oauth_grants.state', '=', 'active')
  }

  /**
   * Locks a grant, since only one process may refresh it at a time: a rotated refresh token is valid once.
   * @returns The current grant, with the previous `locked_by`; undefined if another process has it, or it is gone.
   */
  async lock(id: string, holder: string, now: string, until: string): Promise<OAuthGrantRow | undefined> {
    const before = await this.find(id)
    if (!before) return undefined
    const { numUpdatedRows } = await this.#db
      .updateTable('oauth_grants')
      .set({ locked_by: holder, locked_until: until })
      .where('id', '=', id)
      .where(({ or, eb }) => or([eb('locked_by', 'is', null), eb('locked_until', '<', now)]))
      .executeTakeFirst()
    if (numUpdatedRows === 0n) return undefined
    const row = await this.find(id)
    return row && { ...row, locked_by: before.locked_by }
  }

  /**
   * Stores tokens, also if the lock expired meanwhile, unless another process took it. @returns False if it was taken,
   * or the grant is gone.
   */
  async keep(id: string, holder: string, tokens: NewTokens): Promise<boolean> {
    return this.#change(id, holder, { ...tokens, ...unlocked, is_used: 0, failure: null })
  }

  async revoke(id: string, holder: string, failure: string): Promise<boolean> {
    return this.#change(id, holder, { ...unlocked, state: 'revoked', failure, refresh_at: null })
  }

  /** Unlocks a grant that was not refreshed. */
  async unlock(
    id: string,
    holder: string,
    change: Partial<Pick<OAuthGrantRow, 'failure' | 'refresh_at'>> = {},
  ): Promise<void> {
    await this.#change(id, holder, { ...unlocked, ...change })
  }

  async #change(id: string, holder: string, change: Partial<OAuthGrantRow>): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('oauth_grants')
      .set(change)
      .where('id', '=', id)
      .where('locked_by', '=', holder)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }
}
