/** Sessions in the database. */
import type { Database } from '../platform/database/database.ts'
import type { UserRow } from '../users/user-tables.ts'
import type { SessionRow } from './session-tables.ts'

export type GoneSession = Pick<SessionRow, 'id' | 'token_hash'>
export type NamedSessionRow = SessionRow & { user_name: string }
/** A session with its user as they are at the same moment. */
export type OwnedSessionRow = SessionRow & Pick<UserRow, 'name' | 'role' | 'accounts' | 'disabled'>

/** Sessions are over when they expired by `now`, or were last seen before `idleBefore`. */
export interface SessionLimits {
  now: string
  idleBefore: string
}

export class SessionStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(id: string): Promise<SessionRow | undefined> {
    return this.#db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /** In any order. */
  async findByHashes(tokenHashes: readonly string[]): Promise<OwnedSessionRow[]> {
    return this.#db
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .selectAll('sessions')
      .select(['users.name', 'users.role', 'users.accounts', 'users.disabled'])
      .where('token_hash', 'in', tokenHashes)
      .execute()
  }

  /** The newest first. */
  async listOf(userId: string): Promise<SessionRow[]> {
    return this.#db
      .selectFrom('sessions')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .execute()
  }

  /** Those that are not over, the newest first; everybody's unless a user is named. */
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

  /** Answers what went; undefined when it had gone before. */
  async delete(id: string): Promise<GoneSession | undefined> {
    return this.#db.deleteFrom('sessions').where('id', '=', id).returning(['id', 'token_hash']).executeTakeFirst()
  }

  /** Ends the oldest of its user beyond so many, never this one; answers those that went. */
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
            // SQLite takes no offset without a limit.
            .limit(1_000)
            .offset(most - 1),
        ),
      )
      .returning(['id', 'token_hash'])
      .execute()
  }

  /** Answers those that went. */
  async deleteOf(userId: string, exceptId = ''): Promise<GoneSession[]> {
    return this.#db
      .deleteFrom('sessions')
      .where('user_id', '=', userId)
      .where('id', '!=', exceptId)
      .returning(['id', 'token_hash'])
      .execute()
  }

  /** Answers those that went. */
  async deleteEnded({ now, idleBefore }: SessionLimits): Promise<GoneSession[]> {
    return this.#db
      .deleteFrom('sessions')
      .where(ended => ended.or([ended('expires_at', '<=', now), ended('last_seen_at', '<', idleBefore)]))
      .returning(['id', 'token_hash'])
      .execute()
  }
}
