/** Counts what an account's index holds, from a process beside the server that writes it. */
import { join } from 'node:path'
import { type Kysely, sql } from 'kysely'
import { openSqliteReader } from '../platform/database/sqlite-file.ts'
import type { IndexHome } from './index-databases.ts'
import { listIndexedAccounts } from './indexed-accounts.ts'

export interface IndexCounts {
  folders: number
  /** Places of messages in all folders. */
  places: number
  /** Messages in all folders, as last reported by the mail server. */
  serverMessages: number
  messages: number
  texts: number
}

/**
 * Counts an account's index. A SQLite file is opened read-only, since the server may have it open.
 * @param db The main database, which on PostgreSQL also holds the indexes.
 * @returns undefined if the account has no index.
 */
export async function countIndexed<Tables>(
  home: IndexHome,
  db: Kysely<Tables>,
  accountId: string,
): Promise<IndexCounts | undefined> {
  if (!(await listIndexedAccounts(home, db)).includes(accountId)) return undefined
  const counts = (schema: string) => `
    select count(*) as folders, coalesce(sum(f.total), 0) as places, coalesce(sum(f.server_total), 0) as "serverMessages",
      max(s.messages) as messages, max(s.texts) as texts
    from ${schema}account_state s left join ${schema}folders f on f.account = s.account`
  const toCounts = (row: { [name in keyof IndexCounts]: unknown } | undefined): IndexCounts | undefined =>
    row && {
      folders: Number(row.folders),
      messages: Number(row.messages),
      places: Number(row.places),
      serverMessages: Number(row.serverMessages),
      texts: Number(row.texts),
    }
  if (!('dir' in home)) {
    const { rows } = await sql<{ [name in keyof IndexCounts]: unknown }>`${sql.raw(counts('mail_index.'))}
      where s.account = (select number from mail_index.accounts where id = ${accountId})`.execute(db)
    return toCounts(rows[0])
  }
  const file = openSqliteReader(join(home.dir, `${accountId}.db`))
  try {
    return toCounts(file.prepare(counts('')).get() as { [name in keyof IndexCounts]: unknown } | undefined)
  } finally {
    file.close()
  }
}
