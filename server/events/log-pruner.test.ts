/** What the log forgets: by class, in pieces, and never what administrators did because of a flood of mail. */
import { expect, test } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { admin } from '../../test/support/hub-on-http.ts'
import { sampleEvent } from '../../test/support/sample-events.ts'
import type { EventHub } from './event-hub.ts'

const at = () => new Date().toISOString()
const mail = (uid: number): Fact => ({
  type: 'mail_received',
  data: { account_id: 'a', folder: 'INBOX', uid, uid_validity: 1, at: at() },
})
const added = (accountId: string): Fact => {
  const { type, data } = sampleEvent('account_added')
  return { type, data: { ...data, account_id: accountId, at: at() } }
}
const configured = (): Fact => {
  const { type, data } = sampleEvent('configuration_updated')
  return { type, data: { ...data, at: at() } }
}

const tellAll = (hub: EventHub, facts: Fact[]) =>
  hub.transact(async (_transaction, publish) => {
    for (const fact of facts) publish(fact)
  })

const mails = (count: number) => Array.from({ length: count }, (_, uid) => mail(uid + 1))
const limits = { heldInMemory: 5, keep: 20, keepAdministrative: { count: 3, ms: 60 * 60_000 } }

onEachDatabase(open => {
  test('mail pushes out mail; administrative facts stay behind it, as many as are kept, and are listed', async () => {
    const { hub, log, db } = await startHub(await open(), limits)
    await tellAll(hub, [configured(), added('a'), mail(1), added('b'), configured(), ...mails(40)])
    await log.prune()
    const stored = async () => (await log.read(0, 100)).map(({ number }) => number)
    const newest = Array.from({ length: 20 }, (_, index) => index + 26)
    expect(await stored()).toEqual([2, 4, 5, ...newest])
    expect(log.oldest).toBe(26)
    // Mail of the log that is not in memory is not listed.
    const listed = async (query = {}, limit = 50, who = admin) =>
      (await hub.listFacts(who, limit, query)).map(({ id }) => Number(id.split('-')[1]))
    expect(await listed()).toEqual([45, 44, 43, 42, 41, 5, 4, 2])
    expect(await listed({}, 6)).toEqual([45, 44, 43, 42, 41, 5])
    expect(await listed({ before: log.idOf(5) })).toEqual([4, 2])
    expect(await listed({ before: log.idOf(2) })).toEqual([])
    expect(await listed({ account_id: 'b' }, 50)).toEqual([4])
    expect(await listed({ types: 'configuration_updated' })).toEqual([5])
    const narrow = { ...admin, accounts: new Set(['a']) }
    expect(await listed({ types: 'account_added' }, 50, narrow)).toEqual([2])
    const mailOnly = { ...admin, scopes: new Set(['mail:meta'] as const) }
    expect(await listed({}, 50, { ...mailOnly, scopes: mailOnly.scopes as typeof admin.scopes })).toEqual([
      45, 44, 43, 42, 41,
    ])
    // A place among those that were pruned has lost what is between, and gets a gap.
    expect(log.locate(log.idOf(5))).toEqual({ gap: 'expired' })
    expect(log.locate(log.idOf(24))).toEqual({ gap: 'expired' })
    expect(log.locate(log.idOf(25))).toEqual({ after: 25 })

    // Three are kept, those among the newest counted in.
    await tellAll(hub, [configured(), ...mails(20)])
    await log.prune()
    expect((await stored()).slice(0, 4)).toEqual([4, 5, 46, 47])
    await db.updateTable('events').set({ at: '2020-01-01T00:00:00.000Z' }).where('number', '<', 46).execute()
    await log.prune()
    expect((await stored()).slice(0, 2)).toEqual([46, 47])
    const again = await startHub(db, limits)
    expect(again.log.oldest).toBe(log.oldest)
  })

  test('administrative facts that come back in number push out no more than the log keeps of all', async () => {
    const { hub, log } = await startHub(await open(), limits)
    await tellAll(hub, [...mails(10), ...Array.from({ length: 100 }, configured)])
    await log.prune()
    // Every fact of the newest twenty is there; before that only what the class has room for, which is nothing.
    expect((await log.read(0, 200)).map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, i) => i + 91))
  })

  test('the event loop has its turn between pieces, and a run that was cut off is finished by the next', async () => {
    const { hub, log, db } = await startHub(await open(), limits)
    await tellAll(hub, [configured(), ...mails(6_000)])
    let turns = 0
    let isPruning = true
    const turn = () => {
      turns++
      if (isPruning) setImmediate(turn)
    }
    setImmediate(turn)
    const first = log.prune()
    expect(log.prune()).toBe(first)
    await first
    isPruning = false
    expect(turns).toBeGreaterThan(10)
    expect((await log.read(0, 100)).length).toBe(21)

    await tellAll(hub, mails(2_000))
    const cut = log.prune()
    await hub.stop()
    await cut
    const left = await db.selectFrom('events').select('number').execute()
    expect(left.length).toBeGreaterThan(21)
    const next = await startHub(db, limits)
    await next.log.prune()
    expect((await next.log.read(0, 100)).length).toBe(21)
  })
})
