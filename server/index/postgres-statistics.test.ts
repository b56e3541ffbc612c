/** Whether a database knows how large the tables are as soon as an account has grown: without that it reads all of them for a page. */
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { onEachIndex, recordOf } from '../../test/support/index-world.ts'
import { openedIndex } from '../../test/support/opened-index.ts'
import { isSqlite } from './index-schema.ts'
import type { IndexDatabase } from './index-tables.ts'

/** SQLite has fixed statistics; PostgreSQL counts. */
async function knownMessages(db: IndexDatabase): Promise<number> {
  const known = isSqlite(db)
    ? sql<{ known: string }>`select stat as known from sqlite_stat1 where idx = 'messages_by_id'`
    : sql<{ known: number }>`select reltuples as known from pg_class where oid = to_regclass('messages')`
  const { rows } = await known.execute(db)
  return Number.parseInt(String(rows[0]!.known), 10)
}

onEachIndex(world => {
  test('rows are counted when an account has grown, not when the database comes round to it', async () => {
    const { apply, use } = await openedIndex(world, ['INBOX'])
    const added = Array.from({ length: 600 }, (_, index) => recordOf(index + 1))
    await apply({ path: 'INBOX', added: added.slice(0, 300) })
    await apply({ path: 'INBOX', added: added.slice(300) })
    expect(await use((_store, db) => knownMessages(db))).toBeGreaterThanOrEqual(600)
  })
})
