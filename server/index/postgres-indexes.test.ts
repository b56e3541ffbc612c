/** Room that PostgreSQL's indexes take beyond their entries: given back, with no message found otherwise than before, and not again and again. */
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createPostgresDatabase } from '../../test/support/databases.ts'
import { folder, recordOf, textOf } from '../../test/support/index-world.ts'
import { patience } from '../../test/support/patience.ts'
import { IndexDatabases } from './index-databases.ts'
import { indexParts } from './index-parts.ts'
import type { IndexDatabase } from './index-tables.ts'
import { TightIndexes } from './postgres-indexes.ts'

const postgresUrl = inject('postgresUrl')
/** Bytes. */
const atLeast = 32 * 1024
const waitMs = patience
const tables = ['messages', 'places', 'threads', 'thread_links', 'word_pages']
const uids = Array.from({ length: 1_200 }, (_, index) => index + 1)

describe.skipIf(postgresUrl === undefined)('indexes of PostgreSQL', () => {
  let made: Awaited<ReturnType<typeof createPostgresDatabase>>
  let databases: IndexDatabases
  beforeAll(async () => {
    made = await createPostgresDatabase(postgresUrl!)
    databases = new IndexDatabases({ postgresUrl: made.url }, indexParts, { isReader: false })
    await databases.use('one', async (index, { db }) => {
      // It would hold a table now and then.
      for (const table of tables) await sql.raw(`alter table ${table} set (autovacuum_enabled = false)`).execute(db)
      await index.applyFolders([folder('INBOX')], 1)
      const batch = { path: 'INBOX', uidValidity: 1, announces: false }
      await index.applyBatch({ ...batch, added: uids.map(uid => recordOf(uid)) }, 1)
      // Rewrites each row.
      await index.applyBatch({ ...batch, texts: uids.map(uid => textOf(uid, `word${uid} of it`)) }, 1)
    })
  })
  afterAll(async () => {
    await databases.close()
    await made.drop()
  })

  test('while somebody writes the table for long it is given up; what that leaves behind goes with the next time', async () => {
    await databases.use('one', async (_index, { db }) => {
      await sql.raw(`vacuum analyze ${tables.join()}`).execute(db)
      await db.connection().execute(async other => {
        await sql`begin`.execute(other)
        await sql.raw(`lock table ${tables.join()} in row exclusive mode`).execute(other)
        const indexes = new TightIndexes({ atLeast, waitMs: 10 })
        const isDone = await indexes.tighten(db)
        await sql`rollback`.execute(other)
        expect(isDone).toBe(false)
        expect(await unfinished(db)).toBe(1)
        // Not again immediately.
        expect(await indexes.tighten(db)).toBe(false)
      })
      expect(await new TightIndexes({ atLeast, waitMs }).tighten(db)).toBe(true)
      expect(await unfinished(db)).toBe(0)
    })
  })

  test('what was written twice is written once, and then left alone', async () => {
    await databases.use('one', async (index, { db }) => {
      const indexes = new TightIndexes({ atLeast, waitMs })
      const before = await bytesOf(db)
      const listed = await index.listMessages({ path: 'INBOX', limit: 1_200 })
      while (await indexes.tighten(db));
      expect(await bytesOf(db)).toBeLessThan(before * 0.75)
      expect(await index.listMessages({ path: 'INBOX', limit: 1_200 })).toEqual(listed)
    })
  })
})

async function bytesOf(db: IndexDatabase): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`select pg_indexes_size('messages') as bytes`.execute(db)
  return rows[0]!.bytes
}

async function unfinished(db: IndexDatabase): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from pg_index where not indisvalid`.execute(db)
  return rows[0]!.count
}
