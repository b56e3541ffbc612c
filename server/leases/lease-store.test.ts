/** Leases in the database: who takes, keeps and releases them, and what a fence holds back. */
import { sql } from 'kysely'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { newPostgresDatabase, onEachDatabase } from '../../test/support/databases.ts'
import { migrations } from '../migrations.ts'
import { openDatabase } from '../platform/database/database.ts'
import { migrate } from '../platform/database/migrate.ts'
import { LeaseStore } from './lease-store.ts'

onEachDatabase(open => {
  test('the token rises with each new holder only, and nobody releases the lease of another', async () => {
    const db = await open()
    const store = new LeaseStore(db)
    const acquire = async (holder: string, seconds = 3_600) =>
      (await store.acquire(['loop'], holder, seconds)).map(({ token }) => token)
    expect([await acquire('one'), await acquire('one'), await acquire('two')]).toEqual([[1], [1], []])
    await store.releaseOne('loop', 'two')
    await store.forget('loop', 'two')
    expect(await acquire('two')).toEqual([])
    await store.releaseOne('loop', 'one')
    expect([await acquire('two', -1), await acquire('one')]).toEqual([[2], [3]])
    await store.forget('loop', 'one')
    expect(await acquire('two')).toEqual([1])
  })

  test('a fence lets through the newest token of its own holder only', async () => {
    const db = await open()
    const store = new LeaseStore(db)
    await store.acquire(['loop'], 'one', 3_600)
    const isNewest = (token: number, holder: string) =>
      db.transaction().execute(transaction => store.isNewest(transaction, { name: 'loop', token }, holder))
    expect([await isNewest(1, 'one'), await isNewest(2, 'one'), await isNewest(1, 'two')]).toEqual([true, false, false])
  })
})

const postgresUrl = inject('postgresUrl')
describe.skipIf(postgresUrl === undefined)('on PostgreSQL', () => {
  test('until the write that a fence protects has ended, no other process can take the lease', async () => {
    const url = await newPostgresDatabase(postgresUrl!)
    const [db, other] = [openDatabase(url), openDatabase(url)]
    onTestFinished(async () => void (await Promise.all([db.destroy(), other.destroy()])))
    await migrate(db, migrations)
    const store = new LeaseStore(db)
    await store.acquire(['loop'], 'one', -1)
    const take = () => sql`select token from leases where name = 'loop' for update nowait`.execute(other)
    await db.transaction().execute(async transaction => {
      expect(await store.isNewest(transaction, { name: 'loop', token: 1 }, 'one')).toBe(true)
      await expect(take()).rejects.toMatchObject({ code: '55P03' })
    })
    await take()
  })
})
