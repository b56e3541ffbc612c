/** Runs an index suite on SQLite and on PostgreSQL, each test with the index's tables in an empty database. */
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import { describe, inject, onTestFinished } from 'vitest'
import type { FullText } from '../../server/index/full-text.ts'
import { PostgresFullText } from '../../server/index/fulltext-postgres.ts'
import { SqliteFullText } from '../../server/index/fulltext-sqlite.ts'
import { createIndexTables } from '../../server/index/index-schema.ts'
import type { IndexDatabase, IndexTables } from '../../server/index/index-tables.ts'
import { postgresDialect } from '../../server/platform/database/postgres-dialect.ts'
import { sqliteDialect } from '../../server/platform/database/sqlite-dialect.ts'
import { createKeptDatabase } from './databases.ts'
import { tempDir } from './temp-dir.ts'

export interface OpenIndex {
  db: IndexDatabase
  fullText: FullText
}

const schema = 'mail_index'
/** Databases that no test uses now: creating and dropping one costs more than a schema in it. */
const free: string[] = []

export function onEachIndex(suite: (open: () => Promise<OpenIndex>, isSqlite: boolean) => void): void {
  describe('on SQLite', () => {
    suite(async () => {
      const dir = await tempDir()
      onTestFinished(() => dir.remove())
      const db = new Kysely<IndexTables>({ dialect: sqliteDialect(join(dir.path, 'index.db')) })
      onTestFinished(() => db.destroy())
      return prepare(db, new SqliteFullText())
    }, true)
  })
  const url = inject('postgresUrl')
  describe.skipIf(url === undefined)('on PostgreSQL', () => {
    suite(async () => {
      const kept = free.pop() ?? (await createKeptDatabase(url!))
      const db = new Kysely<IndexTables>({ dialect: postgresDialect(kept, { schema }) })
      onTestFinished(async () => {
        await sql`drop schema ${sql.id(schema)} cascade`.execute(db).finally(() => db.destroy())
        free.push(kept)
      })
      await sql`create schema ${sql.id(schema)}`.execute(db)
      return prepare(db, new PostgresFullText())
    }, false)
  })
}

async function prepare(db: IndexDatabase, fullText: FullText): Promise<OpenIndex> {
  await db.transaction().execute(async transaction => {
    await createIndexTables(transaction, fullText)
  })
  return { db, fullText }
}
