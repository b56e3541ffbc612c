/** How far the time of retention has got is kept in the database. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import { retentionStore } from './retention-store.ts'

const event = (number: number, at: string) => ({
  number,
  type: 'mail_received',
  account_id: null,
  data: '{}',
  at,
  is_administrative: 0,
})

onEachDatabase(open => {
  test('nothing on a new database, then the time of the newest fact, then what was saved', async () => {
    const db = await open()
    const store = retentionStore(db)
    expect(await store.find()).toBeUndefined()
    await db
      .insertInto('events')
      .values([event(1, '2026-05-01T00:00:00.000Z'), event(2, '2026-04-01T00:00:00.000Z')])
      .execute()
    expect(await store.find()).toBe(Date.UTC(2026, 3, 1))
    await store.save(Date.UTC(2026, 4, 2))
    await store.save(Date.UTC(2026, 4, 3))
    expect(await store.find()).toBe(Date.UTC(2026, 4, 3))
    await db.updateTable('settings').set({ value: '{"at":"soon"}' }).where('name', '=', 'retention_clock').execute()
    expect(await store.find()).toBe(Date.UTC(2026, 3, 1))
  })

  test('only the process that forgets moves it, and not one that has lost that without noticing', async () => {
    const db = await open()
    let lease: Lease | undefined
    const store = retentionStore(db, () => lease)
    await store.save(Date.UTC(2026, 4, 2))
    expect(await store.find()).toBeUndefined()
    lease = { name: 'prune', fence: async () => undefined }
    await store.save(Date.UTC(2026, 4, 3))
    lease = { name: 'prune', fence: () => Promise.reject(new LeaseLost('prune')) }
    await expect(store.save(Date.UTC(2026, 4, 4))).rejects.toThrow(LeaseLost)
    expect(await store.find()).toBe(Date.UTC(2026, 4, 3))
  })
})
