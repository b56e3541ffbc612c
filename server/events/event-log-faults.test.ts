/** The log while the database refuses to be written, and at its start and end: nothing is lost but what is said to be. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { memoryDatabase } from '../../test/support/databases.ts'
import { mailFact as mail, sampleEvent } from '../../test/support/sample-events.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { EventLog, type EventLogOptions } from './event-log.ts'
import { EventStore } from './event-store.ts'

class RefusingStore extends EventStore {
  refuses = false
  tries = 0
  /** What a read waits for before it is answered. */
  answer: Promise<void> | undefined

  override async list(after: number, limit: number) {
    const rows = await super.list(after, limit)
    await this.answer
    return rows
  }

  override async transact<Result>(work: (transaction: Database) => Promise<Result>): Promise<Result> {
    this.tries++
    if (this.refuses) throw new Error('on purpose')
    return super.transact(work)
  }
}

async function world(options: Partial<EventLogOptions> = {}, database?: Database) {
  const db = database ?? (await memoryDatabase())
  const store = new RefusingStore(db)
  const logger = createLogger('silent')
  const log = new EventLog({ store, logger, heldInMemory: 1_000, keep: 100_000, keepMs: 60 * 60_000, ...options })
  const heard: number[] = []
  await log.start(({ number }) => heard.push(number))
  onTestFinished(() => log.stop())
  const numbers = async () =>
    (await db.selectFrom('events').select('number').orderBy('number').execute()).map(({ number }) => number)
  const tell = (fact: Fact) => log.transact(async (_transaction, publish) => publish(fact))
  return { db, store, log, logger, heard, numbers, tell }
}

test('fifty thousand facts wait for a database that refuses them, and further ones are lost, which the log says', async () => {
  const { store, log, logger, heard } = await world()
  const errors = vi.spyOn(logger, 'error')
  store.refuses = true
  for (let uid = 1; uid <= 50_003; uid++) log.append(mail('a', uid))
  const lost = errors.mock.calls.filter(([, words]) => words?.includes('are lost'))
  expect(lost).toEqual([[{ lost: 1 }, 'events are lost: the database does not accept them']])
  store.refuses = false
  await expect.poll(() => log.newest).toBe(50_000)
  expect(heard).toHaveLength(50_000)
  expect(await log.read(49_999, 10)).toMatchObject([{ number: 50_000, fact: { data: { uid: 50_000 } } }])
  log.append(mail('a', 50_004))
  await expect.poll(() => log.newest).toBe(50_001)
})

test('a refused write is tried again after a pause, and a stop waits for none', async () => {
  const { store, log, numbers } = await world()
  store.refuses = true
  for (let uid = 1; uid <= 5_000; uid++) log.append(mail('a', uid))
  await expect.poll(() => store.tries, { interval: 1 }).toBeGreaterThan(0)
  for (let turn = 0; turn < 1_000; turn++) await new Promise(setImmediate)
  expect(store.tries).toBeLessThan(100)
  const before = store.tries
  await log.stop()
  const { tries } = store
  // None of the further facts, either.
  expect(tries).toBeLessThanOrEqual(before + 1)
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  expect([store.tries, await numbers()]).toEqual([tries, []])
})

test('a stop waits until all that was told before is written and told, and ends what it listens to', async () => {
  const stop = vi.fn(async () => undefined)
  const { log, heard, numbers, tell } = await world({
    changes: { start: async () => undefined, notify: () => undefined, stop },
  })
  for (let uid = 1; uid <= 2_500; uid++) log.append(mail('a', uid))
  const told = tell(mail('a', 2_501))
  await log.stop()
  await told
  const all = Array.from({ length: 2_501 }, (_, index) => index + 1)
  expect([heard, await numbers()]).toEqual([all, all])
  expect(stop).toHaveBeenCalledTimes(1)
})

test.each([
  // Read before the stop ends what it waits for first, the transaction.
  ['what is being read', ['reading', 'working'], [1, 2]],
  ['a transaction', ['working', 'reading'], []],
] as const)('a stop waits for %s and what comes behind it; nothing is told after it', async (_first, order, told) => {
  const other = await world()
  const ends = { working: Promise.withResolvers<void>(), reading: Promise.withResolvers<void>() }
  let moved: () => void = () => undefined
  const start = async (listener: () => void) => {
    moved = listener
  }
  const changes = { start, notify: () => undefined, stop: async () => undefined }
  const { log, store, heard } = await world({ changes }, other.db)
  await other.tell(mail('a', 1))
  store.answer = ends.reading.promise
  moved()
  // Its fact waits for that of the other process.
  const worked = log.transact(async (_transaction, publish) => {
    await ends.working.promise
    publish(mail('a', 2))
  })
  const ended: string[] = []
  const stopped = log.stop().then(() => ended.push('stop'))
  for (const end of order) {
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    expect(ended).toEqual([])
    ends[end].resolve()
  }
  await Promise.all([stopped, worked])
  expect(heard).toEqual(told)
  // Nor does a later one wait for what is not read any more.
  await log.transact(async (_transaction, publish) => publish(mail('a', 3)))
})

test('what another process writes while the log starts is heard', async () => {
  const other = await world()
  await other.tell(mail('a', 1))
  const changes = {
    // Between what it reads first and the first notification.
    start: () => other.tell(mail('a', 2)),
    notify: () => undefined,
    stop: async () => undefined,
  }
  const { log, heard } = await world({ changes }, other.db)
  await expect.poll(() => heard).toEqual([2])
  expect([log.find(1)?.number, log.find(2)?.number, log.newest]).toEqual([1, 2, 2])
})

test('facts that the table lacks at the end are not taken for held ones', async () => {
  const first = await world()
  for (let uid = 1; uid <= 3; uid++) await first.tell(mail('a', uid))
  await first.log.stop()
  // Nothing in RustyMail does this, but a hand at the database may.
  await first.db.updateTable('event_counter').set({ newest: 5 }).execute()
  const { log, tell } = await world({}, first.db)
  expect([log.newest, log.oldestHeld]).toEqual([5, 6])
  await tell(mail('a', 6))
  expect([log.newest, log.oldestHeld, log.find(6)?.number]).toEqual([6, 6, 6])
})

test('the place before a time is that of the last fact before it, and never one that is forgotten', async () => {
  const { log, tell } = await world({ keep: 3 })
  const at = (second: number) => new Date(Date.now() + second * 1_000).toISOString()
  expect(await log.placeBefore(at(0))).toBe(0)
  // Kept longer, though the log is complete only from a later one on.
  const { type, data } = sampleEvent('configuration_updated')
  await tell({ type, data: { ...data, at: at(10) } })
  for (let second = 2; second <= 5; second++) {
    const { type, data } = mail('a', second)
    await tell({ type, data: { ...data, at: at(second * 10) } })
  }
  const places = () => Promise.all([0, 15, 35, 60].map(second => log.placeBefore(at(second))))
  expect(await places()).toEqual([0, 1, 3, 5])
  await log.prune()
  expect(await places()).toEqual([2, 2, 3, 5])
})
