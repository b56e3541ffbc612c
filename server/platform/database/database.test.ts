/** Migrations run at start, forward only, and refuse a database newer than the program. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { expect, onTestFinished, test } from 'vitest'
import { aUser } from '../../../test/support/a-user.ts'
import { onEachDatabase, onThreads, openOnThreads } from '../../../test/support/databases.ts'
import { migrations } from '../../migrations.ts'
import type { UserRow } from '../../users/user-tables.ts'
import { type Database, openDatabase, ping } from './database.ts'
import { migrate } from './migrate.ts'

for (const each of [onEachDatabase, onThreads])
  each((open, _url, openEmpty) => {
    test('a second start finds the tables and changes nothing', async () => {
      const db = await open()
      await migrate(db, migrations)
      await ping(db)
      expect(await db.selectFrom('accounts').selectAll().execute()).toEqual([])
    })

    test('a database from a newer program is refused by name', async () => {
      const db = await open()
      await sql`insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '2026-01-01')`.execute(
        db,
      )
      await expect(migrate(db, migrations)).rejects.toThrow(/newer than this program.*9999-from-the-future/)
    })

    test('a step that was merged after one with a higher number runs, and the tables of both keep their rows', async () => {
      const db = await openEmpty()
      const creating = (name: string): Migration => ({
        up: async steps => {
          await steps.schema.createTable(name).addColumn('id', 'integer').execute()
          await sql`insert into ${sql.table(name)} (id) values (1)`.execute(steps)
        },
      })
      const earlier = { '0001-first': creating('first'), '0003-third': creating('third') }
      await migrate(db, earlier)
      const reported: (readonly string[])[] = []
      await migrate(db, { ...earlier, '0002-second': creating('second') }, names => reported.push(names))
      expect(reported).toEqual([['0002-second']])
      for (const name of ['first', 'second', 'third']) {
        const { rows } = await sql`select id from ${sql.table(name)}`.execute(db)
        expect(rows).toEqual([{ id: 1 }])
      }
    })

    test('a migration that fails leaves no trace', async () => {
      const db = await openEmpty()
      const half: Migration = {
        up: async steps => {
          await steps.schema.createTable('half').addColumn('id', 'integer').execute()
          throw new Error('on purpose')
        },
      }
      await expect(migrate(db, { '0001-half': half })).rejects.toThrow('on purpose')
      expect((await db.introspection.getTables()).map(table => table.name)).not.toContain('half')
      await migrate(db, migrations)
      expect(await db.selectFrom('accounts').selectAll().execute()).toEqual([])
    })

    test('users that were disabled before it was recorded by which actor were disabled by an administrator', async () => {
      const db = await openEmpty()
      await migrate(db, Object.fromEntries(Object.entries(migrations).slice(0, 3)))
      for (const [id, disabled] of Object.entries({ ann: 1, bob: 0 })) {
        const { disabled_by: _later, ...row } = aUser({ id, disabled })
        await (db as Kysely<Record<'users', Omit<UserRow, 'disabled_by'>>>).insertInto('users').values(row).execute()
      }
      await migrate(db, migrations)
      const people = await db.selectFrom('users').select(['id', 'disabled_by']).orderBy('id').execute()
      expect(people.map(({ id, disabled_by }) => [id, disabled_by])).toEqual([
        ['ann', 'administrator'],
        ['bob', null],
      ])
    })

    test('which steps are taken is said before, but not on a new database, nor when there is none', async () => {
      const db = await openEmpty()
      const said: (readonly string[])[] = []
      const migrateAndTell = (steps: Record<string, Migration>) => migrate(db, steps, names => said.push(names))
      await migrateAndTell({ '0001-first': migrations['0001-first']! })
      expect(said).toEqual([])
      const steps = { '0001-first': migrations['0001-first']!, '0002-second': { up: async () => undefined } }
      await migrateAndTell(steps)
      await migrateAndTell(steps)
      expect(said).toEqual([['0002-second']])
    })

    test('what a transaction wrote is gone when it fails', async () => {
      const db = await openEmpty()
      await migrate(db, migrations)
      const failing = db.transaction().execute(async transaction => {
        await transaction.insertInto('settings').values({ name: 'a', value: '1', updated_at: 'now' }).execute()
        throw new Error('on purpose')
      })
      await expect(failing).rejects.toThrow('on purpose')
      expect(await db.selectFrom('settings').selectAll().execute()).toEqual([])
    })
  })

const onSqlite: [string, () => Promise<Database>][] = [
  [
    'in memory',
    async () => {
      const db = openDatabase('sqlite::memory:')
      onTestFinished(() => db.destroy())
      await migrate(db, migrations)
      return db
    },
  ],
  ['in threads', async () => (await openOnThreads()).db],
]

test.each(onSqlite)(
  '%s: a transaction that finds no room says so, is gone, and does not stand in the way of the next',
  async (_where, open) => {
    const db = await open()
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db)
    await sql.raw(`pragma max_page_count = ${rows[0]!.page_count}`).execute(db)
    const write = (name: string, size: number) =>
      db.transaction().execute(async transaction => {
        const row = { name, value: 'x', updated_at: 'now' }
        await transaction.insertInto('settings').values(row).execute()
        const large = { ...row, name: `${name} again`, value: 'x'.repeat(size) }
        await transaction.insertInto('settings').values(large).execute()
      })
    await expect(write('a', 100_000)).rejects.toMatchObject({ errcode: 13, message: expect.stringContaining('full') })
    await write('b', 1)
    const kept = await db.selectFrom('settings').select('name').orderBy('name').execute()
    expect(kept.map(({ name }) => name)).toEqual(['b', 'b again'])
  },
)

test.each(onSqlite)('%s: SQLite refuses values that node:sqlite would store as NULL', async (_where, open) => {
  const db = await open()
  const row = { name: 'when', value: new Date() as unknown as string, updated_at: 'now' }
  await expect(db.insertInto('settings').values(row).execute()).rejects.toThrow(/cannot store/)
})
