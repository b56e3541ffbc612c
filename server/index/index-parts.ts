/** What does the work on texts in an index of either database. */
import { PostgresFullText } from './fulltext-postgres.ts'
import { SqliteFullText } from './fulltext-sqlite.ts'
import type { IndexParts } from './index-databases.ts'

export const indexParts: IndexParts = {
  fullText: { sqlite: new SqliteFullText(), postgres: new PostgresFullText() },
  // Of three threads one reads texts, and after most starts there is none to read.
  readText: async record => (await import('./text-of-parts.ts')).textOfParts(record),
}
