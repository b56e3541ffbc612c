/** Freezes that begin and end while others are read, stored or lifted. */
import { expect, test } from 'vitest'
import { startHub } from '../../test/support/event-hub.ts'
import { admin, bot, move, read, serviceOn, stops } from '../../test/support/freeze-world.ts'
import type { FreezeService } from './freeze-service.ts'
import { FreezeStore } from './freeze-store.ts'

test('one that fails for another reason than the database applies no longer', async () => {
  class BrokenStore extends FreezeStore {
    override async insert() {
      throw new TypeError('a bug')
    }
  }
  const { db } = await startHub()
  const { freezes } = await serviceOn(db, new BrokenStore(db))
  await expect(freezes.freeze(admin, { principal: 'bot', reads: 'stop' })).rejects.toThrow('a bug')
  expect([stops(freezes, bot, move), await freezes.list(admin, true)]).toEqual([false, []])
})

test('a read of the database that began before a freeze does not end it', async () => {
  const { db } = await startHub()
  const asked = Promise.withResolvers<void>()
  const answered = Promise.withResolvers<void>()
  class SlowStore extends FreezeStore {
    reads = 0
    override async listActive(...given: Parameters<FreezeStore['listActive']>) {
      const rows = await super.listActive(...given)
      if (++this.reads !== 2) return rows
      asked.resolve()
      await answered.promise
      return rows
    }
  }
  const store = new SlowStore(db)
  const { freezes, hub } = await serviceOn(db, store)
  // Another process lifted something.
  const at = new Date().toISOString()
  const data = { freeze_id: 'f', target: 'everything', is_frozen: false, reads: 'allow', by: 'Ada', at } as const
  hub.publish({ type: 'freeze_changed', data })
  await asked.promise
  await freezes.freeze(admin, { principal: 'bot', reads: 'stop' })
  // Its own fact has been followed when the older read is answered.
  await expect.poll(() => store.reads).toBeGreaterThan(2)
  await new Promise(setImmediate)
  answered.resolve()
  await new Promise(setImmediate)
  expect(stops(freezes, bot, read)).toBe(true)
})

test('of two processes that lift one, the second is told that it was lifted already', async () => {
  const { freezes, start, facts } = await serviceOn()
  const { id } = await freezes.freeze(admin, { principal: 'bot', reads: 'allow' })
  const second = await start()
  const lift = (service: FreezeService) =>
    service.lift(admin, id).then(
      () => 'lifted',
      ({ code }) => code,
    )
  expect((await Promise.all([lift(freezes), lift(second)])).sort()).toEqual(['lifted', 'not_found'])
  const lifts = facts().filter(({ type, data }) => type === 'freeze_changed' && 'is_frozen' in data && !data.is_frozen)
  expect(lifts).toHaveLength(1)
})
