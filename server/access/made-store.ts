/** Who invited, reset or raised whom, in the database. */
import type { Database } from '../platform/database/database.ts'
import type { MadeUserRow, UserRow } from '../platform/database/tables.ts'

/** Whose deeds: of one token, or of a person by whatever means. */
export type Maker = { tokenId: string } | { userId: string }

/** What is kept of one user; the deed that was repeated longest ago goes. */
export const maxDeedsOfUser = 50

export class MadeStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  /** The same deed again counts from now on. */
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
      .offset(maxDeedsOfUser)
      .limit(maxDeedsOfUser)
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

  /** With the users as they are now, oldest deed first. */
  async listBy(maker: Maker, db: Database = this.#db): Promise<(MadeUserRow & { user: UserRow })[]> {
    const rows = await db
      .selectFrom('made_users')
      .selectAll()
      .$if('tokenId' in maker, query => query.where('maker', '=', 'tokenId' in maker ? `token-${maker.tokenId}` : ''))
      .$if('userId' in maker, query => query.where('maker_user_id', '=', 'userId' in maker ? maker.userId : ''))
      .orderBy('at')
      .orderBy('user_id')
      .execute()
    const ids = [...new Set(rows.map(({ user_id }) => user_id))]
    if (ids.length === 0) return []
    const users = await db.selectFrom('users').selectAll().where('id', 'in', ids).execute()
    const byId = new Map(users.map(user => [user.id, user]))
    return rows.flatMap(row => {
      const user = byId.get(row.user_id)
      return user ? [{ ...row, user }] : []
    })
  }

  async isEnabled(userId: string, transaction: Database): Promise<boolean> {
    const enabled = transaction.selectFrom('users').select('id').where('id', '=', userId).where('disabled', '=', 0)
    return (await enabled.executeTakeFirst()) !== undefined
  }

  async hasToken(tokenId: string, transaction: Database): Promise<boolean> {
    return (
      (await transaction.selectFrom('api_tokens').select('id').where('id', '=', tokenId).executeTakeFirst()) !==
      undefined
    )
  }
}
