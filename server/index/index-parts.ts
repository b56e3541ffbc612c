/** What does the work on texts in an index of either database. */
import { PostgresFullText } from './fulltext-postgres.ts'
import { SqliteFullText } from './fulltext-sqlite.ts'
import type { IndexParts } from './index-databases.ts'
import type { IndexThreadData, WriterModule } from './index-messages.ts'

/** Once: to ask for a module that is there takes as long as to read a short text. */
let textOfParts: Promise<typeof import('./text-of-parts.ts')> | undefined

export const indexParts: IndexParts = {
  fullText: { sqlite: new SqliteFullText(), postgres: new PostgresFullText() },
  // Of three threads one reads texts, and after most starts there is none to read.
  readText: async record => {
    textOfParts ??= import('./text-of-parts.ts')
    return (await textOfParts).textOfParts(record)
  },
}

/** With what writes lists and hits: what they look like is not the index's to know, so the module is named from above. */
export async function partsFor({ writers }: IndexThreadData): Promise<IndexParts> {
  if (!writers) return indexParts
  const { pageWriter, hitWriter } = (await import(writers.module)) as WriterModule
  return { ...indexParts, writePage: pageWriter(writers.key), writeHit: hitWriter(writers.key) }
}
