/** What does the work on texts in an index of either database. */
import { PostgresFullText } from './fulltext-postgres.ts'
import { SqliteFullText } from './fulltext-sqlite.ts'
import type { IndexParts } from './index-databases.ts'
import { textOfParts } from './text-of-parts.ts'

export const indexParts: IndexParts = {
  fullText: { sqlite: new SqliteFullText(), postgres: new PostgresFullText() },
  readText: textOfParts,
}
