/** Migrations run at start, forward only, and refuse a database newer than the program. */
import { sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { expect, onTestFinished, test } from 'vitest'
import { onEachDatabase } from '../../../test/support/databases.ts'
import { migrate, openDatabase, ping } from './database.ts'

onEachDatabase((open, url) => {
  test('a second start finds the tables and changes nothing', async () => {
    const db = await open()
    await migrate(db)
    await ping(db)
    expect(await db.selectFrom('accounts').selectAll().execute()).toEqual([])
  })

  test('a database from a newer program is refused by name', async () => {
    const db = await open()
    await sql`insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '2026-01-01')`.execute(db)
    await expect(migrate(db)).rejects.toThrow(/newer than this program.*9999-from-the-future/)
  })

  test('a migration that fails leaves no trace', async () => {
    const db = openDatabase(await url())
    onTestFinished(() => db.destroy())
    const half: Migration = {
      up: async steps => {
        await steps.schema.createTable('half').addColumn('id', 'integer').execute()
        throw new Error('on purpose')
      },
    }
    await expect(migrate(db, { '0001-half': half })).rejects.toThrow('on purpose')
    expect((await db.introspection.getTables()).map(table => table.name)).not.toContain('half')
    await migrate(db)
    expect(await db.selectFrom('accounts').selectAll().execute()).toEqual([])
  })

  test('what a transaction wrote is gone when it fails', async () => {
    const db = openDatabase(await url())
    onTestFinished(() => db.destroy())
    await migrate(db)
    const failing = db.transaction().execute(async transaction => {
      await transaction.insertInto('settings').values({ name: 'a', value: '1', updated_at: 'now' }).execute()
      throw new Error('on purpose')
    })
    await expect(failing).rejects.toThrow('on purpose')
    expect(await db.selectFrom('settings').selectAll().execute()).toEqual([])
  })
})

test('SQLite refuses values that node:sqlite would store as NULL', async () => {
  const db = openDatabase('sqlite::memory:')
  onTestFinished(() => db.destroy())
  await migrate(db)
  const row = { name: 'when', value: new Date() as unknown as string, updated_at: 'now' }
  await expect(db.insertInto('settings').values(row).execute()).rejects.toThrow(/cannot store/)
})
