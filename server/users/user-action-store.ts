/** Deeds in the database: who invited, reset or raised which user. */
import type { Database } from '../platform/database/database.ts'
import type { MadeUserRow, UserRow } from './user-tables.ts'

/** The actor of deeds: one token, or a person by any means. */
export type UserActor = { tokenId: string } | { userId: string }

/** Deeds whose actor held the link by which the user signs in. */
export const actionsWithLink: readonly string[] = ['invited', 'reset']

/** Deeds kept per user; beyond it the one repeated longest ago is deleted. */
export const maxActionsOfUser = 50

export class UserActionStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** Records a deed; repeating it renews its time. */
  async note(row: MadeUserRow, transaction: Database): Promise<void> {
    await transaction
      .insertInto('made_users')
      .values(row)
      .onConflict(conflict => conflict.columns(['user_id', 'maker', 'deed']).doUpdateSet({ at: row.at }))
      .execute()
    const beyond = await transaction
      .selectFrom('made_users')
      .select(['maker', 'deed'])
      .where('user_id', '=', row.user_id)
      .orderBy('at', 'desc')
      .orderBy('maker')
      .orderBy('deed')
      .offset(maxActionsOfUser)
      .limit(maxActionsOfUser)
      .execute()
    for (const { maker, deed } of beyond) {
      await transaction
        .deleteFrom('made_users')
        .where('user_id', '=', row.user_id)
        .where('maker', '=', maker)
        .where('deed', '=', deed)
        .execute()
    }
  }

  /**
   * Returns deeds with the current users, oldest first. Anyone who held a user's link may have acted as that user
   * since, so that user's later deeds are included, transitively.
   */
  async listBy(maker: UserActor, db: Database = this.#db): Promise<(MadeUserRow & { user: UserRow })[]> {
    const rows: MadeUserRow[] = []
    const heldSince = new Map<string, string>('userId' in maker ? [[maker.userId, '']] : [])
    const noted = db.selectFrom('made_users').selectAll().orderBy('at').orderBy('user_id')
    let found =
      'userId' in maker
        ? await noted.where('maker_user_id', '=', maker.userId).execute()
        : await noted.where('maker', '=', `token-${maker.tokenId}`).execute()
    // Each round adds only new users, so it ends.
    while (found.length > 0) {
      rows.push(...found)
      const held = found.filter(({ user_id, deed }) => actionsWithLink.includes(deed) && !heldSince.has(user_id))
      for (const { user_id, at } of held) heldSince.set(user_id, at)
      const makers = [...new Set(held.map(({ user_id }) => user_id))]
      if (makers.length === 0) break
      const later = await noted.where('maker_user_id', 'in', makers).execute()
      found = later.filter(({ maker_user_id: by, at }) => by !== null && at >= (heldSince.get(by) ?? ''))
    }
    return this.#withUsers(
      rows.filter(({ user_id }) => !('userId' in maker) || user_id !== maker.userId),
      db,
    )
  }

  async #withUsers(rows: MadeUserRow[], db: Database): Promise<(MadeUserRow & { user: UserRow })[]> {
    const ids = [...new Set(rows.map(({ user_id }) => user_id))]
    if (ids.length === 0) return []
    const users = await db.selectFrom('users').selectAll().where('id', 'in', ids).execute()
    const byId = new Map(users.map(user => [user.id, user]))
    return rows.flatMap(row => {
      const user = byId.get(row.user_id)
      return user ? [{ ...row, user }] : []
    })
  }

  async hasToken(tokenId: string, transaction: Database): Promise<boolean> {
    return (
      (await transaction.selectFrom('api_tokens').select('id').where('id', '=', tokenId).executeTakeFirst()) !==
      undefined
    )
  }
}
