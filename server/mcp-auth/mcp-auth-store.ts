/**
 * The records of the authorization server: clients, requests, codes, refresh tokens and grants, each under the digest
 * of its id.
 */
import type { Database } from '../platform/database/database.ts'
import type { McpAuthRow } from './mcp-auth-tables.ts'

export class McpAuthStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(id: string): Promise<McpAuthRow | undefined> {
    return this.#db.selectFrom('mcp_auth_records').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /** @param most Bound per kind, or per kind and token if it has one; past it those that expire first are evicted. */
  async put(row: McpAuthRow, most: number): Promise<void> {
    const { id, created_at: _first, consumed_at: _kept, ...change } = row
    await this.#db.transaction().execute(async transaction => {
      await transaction
        .insertInto('mcp_auth_records')
        .values(row)
        .onConflict(conflict => conflict.column('id').doUpdateSet(change))
        .execute()
      const { kind, token_id: tokenId } = row
      const excess = transaction
        .selectFrom('mcp_auth_records')
        .select('id')
        .where('kind', '=', kind)
        .where('id', '!=', id)
        .$if(tokenId !== null, query => query.where('token_id', '=', tokenId))
        .orderBy('expires_at', 'desc')
        .orderBy('id')
        .limit(1_000_000)
        .offset(most - 1)
      await transaction.deleteFrom('mcp_auth_records').where('id', 'in', excess).execute()
    })
  }

  /** @returns False if it was consumed before or does not exist. */
  async consume(id: string, at: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('mcp_auth_records')
      .set({ consumed_at: at })
      .where('id', '=', id)
      .where('consumed_at', 'is', null)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }

  async extend(id: string, expiresAt: string): Promise<void> {
    await this.#db
      .updateTable('mcp_auth_records')
      .set({ expires_at: expiresAt })
      .where('id', '=', id)
      .where('expires_at', '<', expiresAt)
      .execute()
  }

  async delete(id: string): Promise<void> {
    await this.#db.deleteFrom('mcp_auth_records').where('id', '=', id).execute()
  }

  async prune(now: string): Promise<void> {
    await this.#db.deleteFrom('mcp_auth_records').where('expires_at', '<', now).execute()
  }

  /** Lists connections from before `since` whose client has nothing left with which it could come back. */
  async listDead(since: string, now: string): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('api_tokens')
      .select('api_tokens.id')
      .where('oauth_client', 'is not', null)
      .where('api_tokens.created_at', '<', since)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('mcp_auth_records')
              .select('mcp_auth_records.id')
              .whereRef('mcp_auth_records.token_id', '=', 'api_tokens.id')
              .where('kind', 'in', ['RefreshToken', 'AuthorizationCode', 'AccessToken'])
              .where('consumed_at', 'is', null)
              .where('mcp_auth_records.expires_at', '>', now),
          ),
        ),
      )
      .limit(100)
      .execute()
    return rows.map(({ id }) => id)
  }
}
