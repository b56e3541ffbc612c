/** The log on both databases: dense numbers in the order of commits, nothing for what was rolled back, and an end to what is old. */

import { expect, test, vi } from 'vitest'
import type { EventOf, Fact } from '../../contract/event.ts'
import { administrator } from '../../test/support/administrator.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'

const admin = administrator()

function mail(uid: number): Fact {
  const at = new Date().toISOString()
  return { type: 'mail_received', data: { account_id: 'a', folder: 'INBOX', uid, uid_validity: 1, at } }
}

const uidOf = (fact: Fact) => (fact.type === 'mail_received' ? fact.data.uid : undefined)

onEachDatabase(open => {
  test('what is told at the same time gets dense numbers, and is heard in their order', async () => {
    const { hub, log, facts } = await startHub(await open())
    const heard: number[] = []
    hub.listen('mail_received', ({ uid }) => heard.push(uid))
    const together = Array.from({ length: 30 }, (_, index) =>
      hub.transact(async (_transaction, publish) => {
        publish(mail(index * 2))
        publish(mail(index * 2 + 1))
      }),
    )
    for (let uid = 100; uid < 200; uid++) hub.publish(mail(uid))
    await Promise.all(together)
    await expect.poll(() => log.newest).toBe(160)
    const stored = await log.read(0, 1000)
    expect(stored.map(entry => entry.number)).toEqual(Array.from({ length: 160 }, (_, index) => index + 1))
    expect(stored.map(entry => uidOf(entry.fact))).toEqual(heard)
    expect(facts().map(uidOf)).toEqual(heard)
    expect(stored.map(entry => entry.frame.toString())).toEqual(
      stored.map(entry => log.find(entry.number)!.frame.toString()),
    )
  })

  test('what is appended in any moment of the end of a write is written too', async () => {
    const { hub, log } = await startHub(await open())
    for (let depth = 0; depth < 25; depth++) {
      const before = log.newest
      let isFirst = true
      const stop = hub.listen('mail_received', () => {
        if (!isFirst) return
        isFirst = false
        const later = (left: number): void => (left === 0 ? log.append(mail(2)) : queueMicrotask(() => later(left - 1)))
        later(depth)
      })
      log.append(mail(1))
      await expect.poll(() => log.newest).toBe(before + 2)
      stop()
    }
  })

  test('what is rolled back takes no number and is not told', async () => {
    const db = await open()
    const { hub, log, facts } = await startHub(db)
    const failing = hub.transact(async (transaction, publish) => {
      await transaction.insertInto('settings').values({ name: 'a', value: '1', updated_at: 'now' }).execute()
      publish(mail(1))
      throw new Error('on purpose')
    })
    await expect(failing).rejects.toThrow('on purpose')
    await hub.transact(async (_transaction, publish) => publish(mail(2)))
    expect(facts().map(uidOf)).toEqual([2])
    expect(log.newest).toBe(1)
    expect(await db.selectFrom('settings').selectAll().execute()).toEqual([])
  })

  test('what a stranger wrote is on streams and in memory, never in the database; the rest comes back after a start', async () => {
    const db = await open()
    const first = await startHub(db)
    const told = mail(1) as EventOf<'mail_received'>
    const words = { from: { name: 'Canary', email: 'canary@example.org' }, subject: 'canary' }
    const data = { ...told.data, ref: 'AAAABBBB', ...words }
    await first.hub.transact(async (_transaction, publish) => publish({ ...told, data }))
    expect(first.log.find(1)!.frame.toString()).toContain(JSON.stringify(words).slice(1, -1))
    expect(await first.hub.listFacts(admin, 1)).toMatchObject([{ data }])
    expect(JSON.stringify(await db.selectFrom('events').selectAll().execute())).not.toMatch(/canary/i)
    await first.hub.stop()
    const second = await startHub(db)
    expect(second.log.find(1)!.fact.data).toEqual({ ...told.data, ref: 'AAAABBBB' })
  })

  test('a new start goes on with the same epoch and the next number', async () => {
    const db = await open()
    const first = await startHub(db)
    await first.hub.transact(async (_transaction, publish) => publish(mail(1)))
    await first.hub.stop()
    const second = await startHub(db)
    expect(second.log.epoch).toBe(first.log.epoch)
    await second.hub.transact(async (_transaction, publish) => publish(mail(2)))
    expect((await second.log.read(0, 10)).map(entry => [entry.number, uidOf(entry.fact)])).toEqual([
      [1, 1],
      [2, 2],
    ])
  })

  test('after a new start the newest facts are in memory again, and listed; never past what was forgotten', async () => {
    const db = await open()
    const first = await startHub(db)
    await first.hub.transact(async (_transaction, publish) => {
      for (let uid = 1; uid <= 2_500; uid++) publish(mail(uid))
    })
    await first.hub.stop()
    const listed = ({ hub }: typeof first) =>
      hub.listFacts(admin, 5_000).then(items => items.map(({ id }) => Number(id.split('-')[1])))
    const range = (from: number) => Array.from({ length: 2_501 - from }, (_, index) => 2_500 - index)

    const second = await startHub(db, { heldInMemory: 2_200, keep: 900 })
    expect(second.log.oldestHeld).toBe(301)
    expect(second.log.find(301)!.frame).toEqual((await first.log.read(300, 1))[0]!.frame)
    expect(await listed(second)).toEqual(range(301))
    await second.log.prune()
    expect(await listed(second)).toEqual(range(1_601))
    await second.hub.transact(async (_transaction, publish) => publish(mail(2_501)))
    expect((await listed(second)).slice(0, 2)).toEqual([2_501, 2_500])
    await second.hub.stop()

    // Nothing in RustyMail makes a hole, but a hand at the database may.
    await db.deleteFrom('events').where('number', 'in', [2_000, 2_501]).execute()
    await db.updateTable('event_counter').set({ newest: 2_500 }).execute()
    const third = await startHub(db, { heldInMemory: 2_200 })
    expect(await listed(third)).toEqual(range(2_001))
  })

  test('what is too old is so by the time of retention, not by the clock of the moment', async () => {
    const db = await open()
    let retention = Date.now() - 10 * 24 * 60 * 60_000
    const { hub, log } = await startHub(db, { keepMs: 60_000, retentionNow: () => retention })
    await hub.transact(async (_transaction, publish) => publish(mail(1)))
    await db
      .updateTable('events')
      .set({ at: new Date(retention - 30_000).toISOString() })
      .execute()
    await log.prune()
    expect(log.oldest).toBe(1)
    retention += 31_000
    await log.prune()
    expect(log.oldest).toBe(2)
  })

  test('by itself only the process that has the lease forgets, from when it has it', async () => {
    const mayPrune = vi.fn(() => false)
    const { hub, log } = await startHub(await open(), { keep: 5, mayPrune, pruneEveryMs: 1 })
    const pruned = vi.spyOn(log, 'prune')
    await hub.transact(async (_transaction, publish) => {
      for (let uid = 1; uid <= 20; uid++) publish(mail(uid))
    })
    const asked = mayPrune.mock.calls.length
    await expect.poll(() => mayPrune.mock.calls.length).toBeGreaterThan(asked + 2)
    expect([pruned.mock.calls.length, log.oldest]).toEqual([0, 1])
    mayPrune.mockReturnValue(true)
    await expect.poll(() => log.oldest).toBe(16)
  })

  test('old facts are forgotten by count and by age, from the old end alone', async () => {
    const db = await open()
    const { hub, log } = await startHub(db, { keep: 5 })
    await hub.transact(async (_transaction, publish) => {
      for (let uid = 1; uid <= 20; uid++) publish(mail(uid))
    })
    await log.prune()
    expect((await log.read(0, 100)).map(entry => entry.number)).toEqual([16, 17, 18, 19, 20])
    expect(log.oldest).toBe(16)
    expect(log.locate(log.idOf(14))).toEqual({ gap: 'expired' })
    expect(log.locate(log.idOf(15))).toEqual({ after: 15 })
    await db.updateTable('events').set({ at: '2020-01-01T00:00:00.000Z' }).where('number', '<=', 18).execute()
    await log.prune()
    expect((await log.read(0, 100)).map(entry => entry.number)).toEqual([19, 20])
    await db.updateTable('events').set({ at: '2020-01-01T00:00:00.000Z' }).execute()
    await log.prune()
    expect(log.oldest).toBe(21)
    await hub.transact(async (_transaction, publish) => publish(mail(21)))
    expect((await log.read(0, 100)).map(entry => entry.number)).toEqual([21])
  })
})
