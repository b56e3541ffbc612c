/** Users in the database, with their links and recovery codes, and the numbers of their passkeys and tokens. */
import type { Database } from '../platform/database/database.ts'
import type { UserLinkRow, UserRow } from './user-tables.ts'

export class UserStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(id: string, db: Database = this.#db): Promise<UserRow | undefined> {
    return db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
  }

  async findByEmail(email: string, db: Database = this.#db): Promise<UserRow | undefined> {
    return db.selectFrom('users').selectAll().where('email', '=', email.toLowerCase()).executeTakeFirst()
  }

  async findByOidc(issuer: string, subject: string, db: Database = this.#db): Promise<UserRow | undefined> {
    return db
      .selectFrom('users')
      .selectAll()
      .where('oidc_issuer', '=', issuer)
      .where('oidc_subject', '=', subject)
      .executeTakeFirst()
  }

  async list(): Promise<UserRow[]> {
    return this.#db.selectFrom('users').selectAll().orderBy('created_at').orderBy('id').execute()
  }

  async count(db: Database = this.#db): Promise<number> {
    const { count } = await db
      .selectFrom('users')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /** Counts administrators who can sign in: not disabled, and with a password, a passkey or a provider. */
  async countAdministrators(db: Database = this.#db): Promise<number> {
    const { count } = await db
      .selectFrom('users')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('role', '=', 'administrator')
      .where('disabled', '=', 0)
      .where(({ eb, or, exists, selectFrom }) =>
        or([
          eb('password_hash', 'is not', null),
          eb('oidc_subject', 'is not', null),
          exists(selectFrom('passkeys').select('passkeys.id').whereRef('passkeys.user_id', '=', 'users.id')),
        ]),
      )
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /** Throws if the email or the provider's identity exists already. */
  async insert(row: UserRow, db: Database = this.#db): Promise<void> {
    await db.insertInto('users').values(row).execute()
  }

  async update(id: string, change: Partial<UserRow>, db: Database = this.#db): Promise<void> {
    await db.updateTable('users').set(change).where('id', '=', id).execute()
  }

  /**
   * Records a sign-in. Returns undefined, without recording it, if the user was disabled, reset or deleted meanwhile,
   * and so must not sign in.
   */
  async noteSignIn({ id, password_hash }: UserRow, at: string, transaction: Database): Promise<UserRow | undefined> {
    return transaction
      .updateTable('users')
      .set({ last_seen_at: at })
      .where('id', '=', id)
      .where('disabled', '=', 0)
      .where('password_hash', 'is not distinct from', password_hash)
      .returningAll()
      .executeTakeFirst()
  }

  /** Deletes a user; sessions, tokens, passkeys, codes and links are deleted by foreign keys. */
  async delete(id: string, db: Database = this.#db): Promise<void> {
    await db.deleteFrom('users').where('id', '=', id).execute()
  }

  async insertLink(row: UserLinkRow, db: Database = this.#db): Promise<void> {
    await db.insertInto('user_links').values(row).execute()
  }

  async findLink(tokenHash: string, db: Database = this.#db): Promise<UserLinkRow | undefined> {
    return db.selectFrom('user_links').selectAll().where('token_hash', '=', tokenHash).executeTakeFirst()
  }

  async deleteLinksOf(userId: string, db: Database = this.#db): Promise<void> {
    await db.deleteFrom('user_links').where('user_id', '=', userId).execute()
  }

  /** Returns the numbers by user id; users without any are missing. */
  async countAllPasskeys(): Promise<Map<string, number>> {
    const rows = await this.#db
      .selectFrom('passkeys')
      .select(({ fn }) => ['user_id', fn.countAll<number>().as('count')])
      .groupBy('user_id')
      .execute()
    return new Map(rows.map(row => [row.user_id, Number(row.count)]))
  }

  /** Returns the numbers by user id; users without any are missing. */
  async countAllTokens(): Promise<Map<string, number>> {
    const rows = await this.#db
      .selectFrom('api_tokens')
      .select(({ fn }) => ['user_id', fn.countAll<number>().as('count')])
      .groupBy('user_id')
      .execute()
    return new Map(rows.map(row => [row.user_id, Number(row.count)]))
  }

  /** Returns the deleted tokens. */
  async deleteTokensOf(userId: string, db: Database = this.#db): Promise<{ id: string; name: string }[]> {
    return db.deleteFrom('api_tokens').where('user_id', '=', userId).returning(['id', 'name']).execute()
  }

  /** Stores the hash of the same password with another cost. Returns false if the password has changed. */
  async renewPasswordHash(id: string, before: string, after: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('users')
      .set({ password_hash: after })
      .where('id', '=', id)
      .where('password_hash', '=', before)
      .executeTakeFirstOrThrow()
    return numUpdatedRows === 1n
  }

  /** Replaces all codes. In a transaction of its own if none is given. */
  async replaceRecoveryCodes(userId: string, codeHashes: readonly string[], db: Database = this.#db): Promise<void> {
    if (!db.isTransaction) {
      return db.transaction().execute(transaction => this.replaceRecoveryCodes(userId, codeHashes, transaction))
    }
    // Locks the user, since two concurrent calls on PostgreSQL would otherwise both keep their codes.
    await db.updateTable('users').set({ id: userId }).where('id', '=', userId).execute()
    await db.deleteFrom('recovery_codes').where('user_id', '=', userId).execute()
    if (codeHashes.length === 0) return
    const rows = codeHashes.map(code_hash => ({ code_hash, user_id: userId }))
    await db.insertInto('recovery_codes').values(rows).execute()
  }

  /** Deletes the code. Returns true only once, also for concurrent calls. */
  async takeRecoveryCode(userId: string, codeHash: string, db: Database = this.#db): Promise<boolean> {
    const { numDeletedRows } = await db
      .deleteFrom('recovery_codes')
      .where('user_id', '=', userId)
      .where('code_hash', '=', codeHash)
      .executeTakeFirstOrThrow()
    return numDeletedRows === 1n
  }

  async countRecoveryCodes(userId: string, db: Database = this.#db): Promise<number> {
    const { count } = await db
      .selectFrom('recovery_codes')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow()
    return Number(count)
  }
}
