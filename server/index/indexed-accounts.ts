/** Lists the accounts that have an index without starting its threads, so that leftovers of others can be dropped. */
import { existsSync, readdirSync } from 'node:fs'
import { type Kysely, sql } from 'kysely'
import type { IndexHome } from './index-databases.ts'

/** @param db The main database, which on PostgreSQL also holds the indexes. */
export async function listIndexedAccounts<Tables>(home: IndexHome, db: Kysely<Tables>): Promise<string[]> {
  if ('dir' in home) {
    const files = existsSync(home.dir) ? readdirSync(home.dir) : []
    return files.flatMap(file => (file.endsWith('.db') ? [file.slice(0, -'.db'.length)] : []))
  }
  const { rows } = await sql<{ isThere: boolean }>`
    select to_regclass('mail_index.accounts') is not null as "isThere"`.execute(db)
  if (!rows[0]?.isThere) return []
  const accounts = await sql<{ id: string }>`select id from mail_index.accounts`.execute(db)
  return accounts.rows.map(({ id }) => id)
}
