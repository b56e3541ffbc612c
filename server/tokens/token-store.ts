/** API tokens in the database, each with what is needed of its owner. */
import { sql } from 'kysely'
import type { Database } from '../platform/database/database.ts'
import { later } from '../platform/database/later.ts'
import { Prepared } from '../platform/database/prepared.ts'
import type { ApiTokenRow, TokenSecretRow } from './token-tables.ts'

/** The needed fields of a token's owner. */
export interface TokenOwner {
  owner_name: string
  owner_role: string
  owner_accounts: string
  owner_disabled: number
}

/** A token and its owner, read in one statement. */
export interface OwnedTokenRow extends ApiTokenRow, TokenOwner {
  /** The only server that an access token is for; hash and expiry are then those of the access token. */
  audience?: string
}

/** One use of a token: time and address. */
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

const findOwner = new Prepared((db: Database, { user_id }: { user_id: string }) =>
  db
    .selectFrom('users')
    .select(ownerColumns)
    .select(({ selectFrom }) => {
      const all = selectFrom('api_tokens').select(({ fn }) => fn.countAll<number>().as('count'))
      return [all.as('all'), all.where('user_id', '=', user_id).as('own')]
    })
    .where('id', '=', user_id),
)
const findToken = new Prepared((db: Database, { id }: { id: string }) => owned(db).where('api_tokens.id', '=', id))
const listOfUser = new Prepared((db: Database, { user_id }: { user_id: string }) =>
  owned(db).where('user_id', '=', user_id).orderBy('api_tokens.created_at').orderBy('api_tokens.id'),
)
const deleteToken = new Prepared((db: Database, { id }: { id: string }) =>
  db.deleteFrom('api_tokens').where('id', '=', id),
)
const insertOne = new Prepared((db: Database, row: ApiTokenRow) => db.insertInto('api_tokens').values(row))

export class TokenStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  async find(id: string, db: Database = this.#db): Promise<OwnedTokenRow | undefined> {
    return (await findToken.with(db, { id }).execute())[0]
  }

  /** Returns tokens in any order. */
  async findByHashes(tokenHashes: readonly string[]): Promise<OwnedTokenRow[]> {
    const rows: OwnedTokenRow[] = await owned(this.#db).where('token_hash', 'in', tokenHashes).execute()
    if (rows.length === tokenHashes.length) return rows
    const secrets = await issued(this.#db).where('token_secrets.token_hash', 'in', tokenHashes).execute()
    return [...rows, ...secrets.map(ofSecret)]
  }

  /** Returns all valid secrets of a user: tokens, and unexpired access tokens of connected clients. */
  async listSecretsOf(userId: string, now: string): Promise<OwnedTokenRow[]> {
    const rows = await this.listOf(userId)
    if (rows.every(row => row.oauth_client === null)) return rows
    const secrets = await issued(this.#db)
      .where('user_id', '=', userId)
      .where('token_secrets.expires_at', '>', now)
      .orderBy('token_secrets.expires_at')
      .execute()
    return [...rows.filter(row => row.oauth_client === null), ...secrets.map(ofSecret)]
  }

  async insertSecret(row: TokenSecretRow): Promise<void> {
    await this.#db.insertInto('token_secrets').values(row).execute()
  }

  /** @returns The id of its token. */
  async deleteSecret(tokenHash: string): Promise<string | undefined> {
    const row = await this.#db
      .deleteFrom('token_secrets')
      .where('token_hash', '=', tokenHash)
      .returning('token_id')
      .executeTakeFirst()
    return row?.token_id
  }

  async pruneSecrets(before: string): Promise<void> {
    await this.#db.deleteFrom('token_secrets').where('expires_at', '<', before).execute()
  }

  async list(): Promise<OwnedTokenRow[]> {
    return owned(this.#db).orderBy('api_tokens.created_at').orderBy('api_tokens.id').execute()
  }

  async listOf(userId: string): Promise<OwnedTokenRow[]> {
    return listOfUser.with(this.#db, { user_id: userId }).execute()
  }

  /** Returns the future owner of a token, with the number of all tokens and of the owner's. */
  async findOwner(userId: string, db: Database): Promise<{ owner: TokenOwner; all: number; own: number } | undefined> {
    const [row] = await findOwner.with(db, { user_id: userId }).execute()
    if (!row) return undefined
    const { all, own, ...owner } = row
    return { owner, all: Number(all), own: Number(own) }
  }

  /** Inserts a row, batched with the next statements of the transaction. */
  async insert(row: ApiTokenRow, transaction: Database): Promise<void> {
    await later(transaction, insertOne.with(transaction, row))
  }

  async update(id: string, change: Partial<ApiTokenRow>, db: Database): Promise<void> {
    await db.updateTable('api_tokens').set(change).where('id', '=', id).execute()
  }

  async delete(id: string, db: Database): Promise<void> {
    await deleteToken.with(db, { id }).execute()
  }

  /** Records many uses in one statement, since each is a round trip; deleted tokens are skipped. */
  async noteUses(uses: readonly TokenUse[]): Promise<void> {
    for (let from = 0; from < uses.length; from += usesAtOnce) {
      const rows = uses.slice(from, from + usesAtOnce).map(({ id, at, address }) => sql`(${id}, ${at}, ${address})`)
      // Both databases give the columns of VALUES these names.
      await sql`update api_tokens set last_used_at = used.column2, last_used_address = used.column3
        from (values ${sql.join(rows)}) as used where api_tokens.id = used.column1`.execute(this.#db)
    }
  }
}

/** Selects rows of tokens, once for each of their access tokens. */
function issued(db: Database) {
  return owned(db)
    .innerJoin('token_secrets', 'token_secrets.token_id', 'api_tokens.id')
    .select([
      'token_secrets.token_hash as secret_hash',
      'token_secrets.audience',
      'token_secrets.expires_at as secret_end',
    ])
}

function ofSecret(row: Required<OwnedTokenRow> & { secret_hash: string; secret_end: string }): OwnedTokenRow {
  const { secret_hash, secret_end, ...token } = row
  const isFirst = token.expires_at === null || secret_end < token.expires_at
  return { ...token, token_hash: secret_hash, expires_at: isFirst ? secret_end : token.expires_at }
}

function owned(db: Database) {
  return db
    .selectFrom('api_tokens')
    .innerJoin('users', 'users.id', 'api_tokens.user_id')
    .selectAll('api_tokens')
    .select(ownerColumns)
}
