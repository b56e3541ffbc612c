/** Sessions in the database. */
import type { Database } from '../platform/database/database.ts'
import type { SessionRow } from '../platform/database/tables.ts'

export class SessionStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async findByHash(tokenHash: string): Promise<SessionRow | undefined> {
    return this.#db.selectFrom('sessions').selectAll().where('token_hash', '=', tokenHash).executeTakeFirst()
  }

  async insert(row: SessionRow): Promise<void> {
    await this.#db.insertInto('sessions').values(row).execute()
  }

  async touch(id: string, lastSeenAt: string): Promise<void> {
    await this.#db.updateTable('sessions').set({ last_seen_at: lastSeenAt }).where('id', '=', id).execute()
  }

  async delete(id: string): Promise<void> {
    await this.#db.deleteFrom('sessions').where('id', '=', id).execute()
  }

  /** @param idleBefore Sessions last seen before this are over as well. */
  async deleteEnded(now: string, idleBefore: string): Promise<void> {
    await this.#db
      .deleteFrom('sessions')
      .where(ended => ended.or([ended('expires_at', '<=', now), ended('last_seen_at', '<', idleBefore)]))
      .execute()
  }
}
