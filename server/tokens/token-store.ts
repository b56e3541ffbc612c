/** API tokens in the database, each with what is needed of its owner. */
import { sql } from 'kysely'
import type { Database } from '../platform/database/database.ts'
import { later } from '../platform/database/later.ts'
import type { ApiTokenRow } from './token-tables.ts'

/** What is needed of the owner of a token. */
export interface TokenOwner {
  owner_name: string
  owner_role: string
  owner_accounts: string
  owner_disabled: number
}

/** A token with its owner as they are at the same moment. */
export interface OwnedTokenRow extends ApiTokenRow, TokenOwner {}

/** A token was used: when, and from where. */
export interface TokenUse {
  id: string
  at: string
  address: string
}

const usesAtOnce = 500
const ownerColumns = [
  'users.name as owner_name',
  'users.role as owner_role',
  'users.accounts as owner_accounts',
  'users.disabled as owner_disabled',
] as const

export class TokenStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(id: string, db: Database = this.#db): Promise<OwnedTokenRow | undefined> {
    return owned(db).where('api_tokens.id', '=', id).executeTakeFirst()
  }

  /** In any order. */
  async findByHashes(tokenHashes: readonly string[]): Promise<OwnedTokenRow[]> {
    return owned(this.#db).where('token_hash', 'in', tokenHashes).execute()
  }

  async list(): Promise<OwnedTokenRow[]> {
    return owned(this.#db).orderBy('api_tokens.created_at').orderBy('api_tokens.id').execute()
  }

  async listOf(userId: string): Promise<OwnedTokenRow[]> {
    return owned(this.#db)
      .where('user_id', '=', userId)
      .orderBy('api_tokens.created_at')
      .orderBy('api_tokens.id')
      .execute()
  }

  /** Who is to own a token; with how many tokens there are, and how many of them are theirs. */
  async findOwner(userId: string, db: Database): Promise<{ owner: TokenOwner; all: number; own: number } | undefined> {
    const row = await db
      .selectFrom('users')
      .select(ownerColumns)
      .select(({ selectFrom }) => {
        const all = selectFrom('api_tokens').select(({ fn }) => fn.countAll<number>().as('count'))
        return [all.as('all'), all.where('user_id', '=', userId).as('own')]
      })
      .where('id', '=', userId)
      .executeTakeFirst()
    if (!row) return undefined
    const { all, own, ...owner } = row
    return { owner, all: Number(all), own: Number(own) }
  }

  /** With what follows in the transaction. */
  async insert(row: ApiTokenRow, transaction: Database): Promise<void> {
    await later(transaction, transaction.insertInto('api_tokens').values(row))
  }

  async update(id: string, change: Partial<ApiTokenRow>, db: Database): Promise<void> {
    await db.updateTable('api_tokens').set(change).where('id', '=', id).execute()
  }

  async delete(id: string, db: Database): Promise<void> {
    await db.deleteFrom('api_tokens').where('id', '=', id).execute()
  }

  /** Many in one statement, since each is a way to another thread or machine and back; what is gone meanwhile is passed over. */
  async noteUses(uses: readonly TokenUse[]): Promise<void> {
    for (let from = 0; from < uses.length; from += usesAtOnce) {
      const rows = uses.slice(from, from + usesAtOnce).map(({ id, at, address }) => sql`(${id}, ${at}, ${address})`)
      // Both databases call the columns of values so.
      await sql`update api_tokens set last_used_at = used.column2, last_used_address = used.column3
        from (values ${sql.join(rows)}) as used where api_tokens.id = used.column1`.execute(this.#db)
    }
  }
}

function owned(db: Database) {
  return db
    .selectFrom('api_tokens')
    .innerJoin('users', 'users.id', 'api_tokens.user_id')
    .selectAll('api_tokens')
    .select(ownerColumns)
}
