/** A full-text search that shows its input, and texts that are passed through unchanged. */
import { sql } from 'kysely'
import type { FullText } from '../../server/index/full-text.ts'
import type { TextReader } from '../../server/index/text-index.ts'

/** A full-text search that stores its input as plain rows. */
export const plainSearch: FullText = {
  create: async db => {
    await sql`create table searched (account integer, message bigint, words text, body text, primary key (account, message))`.execute(
      db,
    )
  },
  put: async (db, account, rows) => {
    for (const { rowid, subject, from, to, cc, bcc, names, body } of rows) {
      const words = [subject, from, to, cc, bcc, names].join('|')
      await sql`insert into searched values (${account}, ${rowid}, ${words}, ${body})
        on conflict (account, message) do update set words = excluded.words, body = excluded.body`.execute(db)
    }
  },
  remove: async (db, account, rowids) => {
    for (const rowid of rowids)
      await sql`delete from searched where account = ${account} and message = ${rowid}`.execute(db)
  },
  tidy: async () => false,
  shrink: async () => undefined,
  buckets: async () => [],
  reclaim: async () => undefined,
  drop: async () => undefined,
  hits: async () => ({ table: () => sql`select message as rowid from searched where 1 = 0`, rows: () => undefined }),
}

export const readText: TextReader = async ({ parts }) => {
  const text = parts.map(({ bytes }) => new TextDecoder().decode(bytes)).join('\n')
  return { text, hasLink: text.includes('https://') }
}
