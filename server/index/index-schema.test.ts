/** The tables: what SQLite is told about them. */
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { IndexDatabases } from './index-databases.ts'
import { indexParts } from './index-parts.ts'

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
