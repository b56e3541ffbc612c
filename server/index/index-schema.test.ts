/** The tables, and the tuning of SQLite and PostgreSQL for them. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import { expect, inject, onTestFinished, test } from 'vitest'
import { newPostgresDatabase } from '../../test/support/databases.ts'
import { folder, recordOf } from '../../test/support/index-world.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { postgresDialect } from '../platform/database/postgres-dialect.ts'
import { IndexDatabases } from './index-databases.ts'
import { indexParts } from './index-parts.ts'
import { wordTables } from './word-store.ts'

test('SQLite knows of each index how selective it is, from the first row on', async () => {
  const dir = tempDir('index')
  const databases = new IndexDatabases({ dir: join(dir.path, 'index') }, indexParts, { isReader: false })
  onTestFinished(async () => {
    await databases.close()
    dir.remove()
  })
  await databases.use('one', async (_store, { db }) => {
    const { rows } = await sql`
      select name from sqlite_schema where type = 'index' and name not like 'sqlite_autoindex_%'
        and name not in (select idx from sqlite_stat1)`.execute(db)
    expect(rows).toEqual([])
    const plan = await sql<{ detail: string }>`explain query plan
      select rowid from messages where account = 1 and rowid < 5 order by rowid desc limit 5`.execute(db)
    expect(plan.rows.map(({ detail }) => detail)).toEqual(['SEARCH messages USING PRIMARY KEY (account=? AND rowid<?)'])
  })
})

test('a mailbox that is indexed newest first, as mail is, leaves no pages of SQLite half empty', async () => {
  const dir = tempDir('index')
  const databases = new IndexDatabases({ dir: join(dir.path, 'index') }, indexParts, { isReader: false })
  onTestFinished(async () => {
    await databases.close()
    dir.remove()
  })
  await databases.use('one', async (index, { db }) => {
    await index.applyFolders([folder('INBOX')], 1)
    for (let to = 4_000; to > 0; to -= 200) {
      const uids = Array.from({ length: 200 }, (_, at) => to - 199 + at)
      const added = uids.map(uid => recordOf(uid, { date: new Date(uid * 3_600_000).toISOString() }))
      await index.applyBatch({ path: 'INBOX', uidValidity: 1, added, announces: false }, 1)
    }
    const { rows } = await sql<{ name: string; empty: number }>`
      select name, 1.0 * sum(unused) / sum(pgsize) as empty from dbstat
      where name in ('messages', 'places', 'places_by_date', 'places_by_message') group by name`.execute(db)
    expect(rows).toHaveLength(4)
    expect(rows.filter(({ empty }) => empty > 0.2)).toEqual([])
  })
})

test('PostgreSQL before 16 makes the tables too: it knows no storage beside a column', () => {
  expect(wordTables.filter(statement => /^create table .* storage /s.test(statement))).toEqual([])
  expect(wordTables).toContain('alter table word_pages alter column page set storage external')
})

const postgresUrl = inject('postgresUrl')

test.skipIf(postgresUrl === undefined)('a schema of PostgreSQL that another role made is told, with both', async () => {
  const url = await newPostgresDatabase(postgresUrl!)
  const role = `other_${randomBytes(6).toString('hex')}`
  const others = new Kysely({ dialect: postgresDialect(url) })
  await sql`create schema mail_index`.execute(others)
  await sql.raw(`create role ${role} login password 'test'`).execute(others)
  const home = { postgresUrl: Object.assign(new URL(url), { username: role, password: 'test' }).toString() }
  const databases = new IndexDatabases(home, indexParts, { isReader: false })
  onTestFinished(async () => {
    await databases.close()
    await sql.raw(`drop role ${role}`).execute(others)
    await others.destroy()
  })
  const owner = decodeURIComponent(new URL(url).username)
  const opened = databases.use('one', index => index.listFolders())
  await expect(opened).rejects.toThrow(`belongs to the role "${owner}", so "${role}" cannot make the index`)
})
