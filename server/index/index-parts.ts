/** Wires the implementations that work on texts, for both databases. */
import { PostgresFullText } from './fulltext-postgres.ts'
import { SqliteFullText } from './fulltext-sqlite.ts'
import type { IndexParts } from './index-databases.ts'
import type { IndexThreadData, WriterModule } from './index-messages.ts'

/** Imported once, since importing a loaded module takes as long as reading a short text. */
let textOfParts: Promise<typeof import('./text-of-parts.ts')> | undefined

export const indexParts: IndexParts = {
  fullText: { sqlite: new SqliteFullText(), postgres: new PostgresFullText() },
  // Loaded lazily: only one of the three threads parses texts, and after most starts there are none.
  readText: async record => {
    textOfParts ??= import('./text-of-parts.ts')
    return (await textOfParts).textOfParts(record)
  },
}

/** Adds writers of lists and hits from a module given by the caller, since their format is not the index's concern. */
export async function partsFor({ writers }: IndexThreadData): Promise<IndexParts> {
  if (!writers) return indexParts
  const { pageWriter, hitWriter } = (await import(writers.module)) as WriterModule
  return { ...indexParts, writePage: pageWriter(writers.key), writeHit: hitWriter(writers.key) }
}
