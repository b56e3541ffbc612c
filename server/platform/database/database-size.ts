/** Measures the size of the database. */
import { PostgresAdapter, sql } from 'kysely'
import type { Database } from './database.ts'

export async function databaseBytes(db: Database): Promise<number> {
  const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter
  const question = isPostgres
    ? sql<{ bytes: number | string }>`select pg_database_size(current_database()) as bytes`
    : sql<{ bytes: number }>`select page_count * page_size as bytes from pragma_page_count(), pragma_page_size()`
  const { rows } = await question.execute(db)
  return Number(rows[0]?.bytes)
}
