/** Sessions in the database. */
import type { Database } from '../platform/database/database.ts'
import type { UserRow } from '../users/user-tables.ts'
import type { SessionRow } from './session-tables.ts'

export type GoneSession = Pick<SessionRow, 'id' | 'token_hash'>
export type NamedSessionRow = SessionRow & { user_name: string }
/** A session with its user, read in one statement. */
export type OwnedSessionRow = SessionRow & Pick<UserRow, 'name' | 'role' | 'accounts' | 'disabled'>

/** The bounds of open sessions: a session is over if it expired by `now`, or was last seen before `idleBefore`. */
export interface SessionLimits {
  now: string
  idleBefore: string
}

export class SessionStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(id: string, db: Database = this.#db): Promise<SessionRow | undefined> {
    return db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /** Returns the sessions in any order. */
  async findByHashes(tokenHashes: readonly string[]): Promise<OwnedSessionRow[]> {
    return this.#db
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .selectAll('sessions')
      .select(['users.name', 'users.role', 'users.accounts', 'users.disabled'])
      .where('token_hash', 'in', tokenHashes)
      .execute()
  }

  /** Returns the user's sessions, the newest first. */
  async listOf(userId: string): Promise<SessionRow[]> {
    return this.#db
      .selectFrom('sessions')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .execute()
  }

  /** Lists sessions that are not over, the newest first, of one user or of all. */
  async listOpen({ now, idleBefore }: SessionLimits, userId?: string): Promise<NamedSessionRow[]> {
    return this.#db
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .selectAll('sessions')
      .select('users.name as user_name')
      .where('expires_at', '>', now)
      .where('sessions.last_seen_at', '>=', idleBefore)
      .$if(userId !== undefined, query => query.where('user_id', '=', userId ?? ''))
      .orderBy('sessions.created_at', 'desc')
      .orderBy('sessions.id')
      .execute()
  }

  async transact<Result>(work: (transaction: Database) => Promise<Result>): Promise<Result> {
    return this.#db.transaction().execute(work)
  }

  async insert(row: SessionRow, db: Database = this.#db): Promise<void> {
    await db.insertInto('sessions').values(row).execute()
  }

  async touch(id: string, lastSeenAt: string): Promise<void> {
    await this.#db.updateTable('sessions').set({ last_seen_at: lastSeenAt }).where('id', '=', id).execute()
  }

  /** Returns what was deleted; undefined if it was gone already. */
  async delete(id: string): Promise<GoneSession | undefined> {
    return this.#db.deleteFrom('sessions').where('id', '=', id).returning(['id', 'token_hash']).executeTakeFirst()
  }

  /** Deletes the oldest sessions of the user beyond `most`, never this one. Returns those deleted. */
  async deleteSurplus({ id, user_id }: SessionRow, most: number, transaction: Database): Promise<GoneSession[]> {
    return transaction
      .deleteFrom('sessions')
      .where(({ eb, selectFrom }) =>
        eb(
          'id',
          'in',
          selectFrom('sessions')
            .select('id')
            .where('user_id', '=', user_id)
            .where('id', '!=', id)
            .orderBy('created_at', 'desc')
            .orderBy('id')
            // SQLite accepts no OFFSET without LIMIT.
            .limit(1_000)
            .offset(most - 1),
        ),
      )
      .returning(['id', 'token_hash'])
      .execute()
  }

  /** Returns the deleted sessions. */
  async deleteOf(userId: string, exceptId = ''): Promise<GoneSession[]> {
    return this.#db
      .deleteFrom('sessions')
      .where('user_id', '=', userId)
      .where('id', '!=', exceptId)
      .returning(['id', 'token_hash'])
      .execute()
  }

  /** Returns the deleted sessions. */
  async deleteEnded({ now, idleBefore }: SessionLimits): Promise<GoneSession[]> {
    return this.#db
      .deleteFrom('sessions')
      .where(ended => ended.or([ended('expires_at', '<=', now), ended('last_seen_at', '<', idleBefore)]))
      .returning(['id', 'token_hash'])
      .execute()
  }
}
