/** Two logs on one database stand for two processes: each receives every fact of both once, in commit order. */
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { memoryDatabase, onEachDatabase } from '../../test/support/databases.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { EventLog } from './event-log.ts'
import { EventStore } from './event-store.ts'
import type { EventRow } from './event-tables.ts'
import { LogTail } from './log-tail.ts'

/** A busy machine may be slow. */
const patience = { interval: 5 }
const everything = { types: ['mail_received'], accounts: undefined }

function mail(folder: string, uid: number): Fact {
  const at = new Date().toISOString()
  return { type: 'mail_received', data: { account_id: 'a', folder, uid, uid_validity: 1, at } }
}

const nameOf = ({ type, data }: Fact) => (type === 'mail_received' ? `${data.folder} ${data.uid}` : type)

/** Delivers one process's notifications to the other, at times that the test sets. */
class Wire {
  moved: () => void = () => undefined
  other: Wire | undefined
  /** Lost, as if the committing process ended before it could notify. */
  isCut = false
  start = async (moved: () => void) => {
    this.moved = moved
  }
  notify = () => {
    if (!this.isCut) this.other?.moved()
  }
  stop = async () => undefined
}

/** The database can refuse to be read, or to answer to a commit. */
class FaultyStore extends EventStore {
  isUnreadable = false
  isAnswerLost = false

  /** Between a commit and its answer. */
  beforeCommitted: (() => Promise<void>) | undefined
  /** Between what the table answers and the answer. */
  beforeAnswer: (() => Promise<void>) | undefined

  override async list(after: number, limit: number) {
    if (this.isUnreadable) throw new Error('on purpose')
    const rows = await super.list(after, limit)
    const beforeAnswer = this.beforeAnswer
    this.beforeAnswer = undefined
    await beforeAnswer?.()
    return rows
  }

  override async transact<Result>(work: (transaction: Database) => Promise<Result>): Promise<Result> {
    const result = await super.transact(work)
    const beforeCommitted = this.beforeCommitted
    this.beforeCommitted = undefined
    await beforeCommitted?.()
    if (!this.isAnswerLost) return result
    this.isAnswerLost = false
    throw new Error('on purpose')
  }
}

async function startLog(db: Database, name: string, wire = new Wire(), keep = 100_000) {
  const store = new FaultyStore(db)
  const logger = createLogger('silent')
  const log = new EventLog({ store, logger, heldInMemory: 1_000, keep, keepMs: 60 * 60_000, changes: wire })
  const heard: string[] = []
  await log.start(({ number, fact }) => heard.push(`${number} ${nameOf(fact)}`))
  onTestFinished(() => log.stop())
  const tell = (...uids: number[]) =>
    log.transact(async (_transaction, tellFact) => {
      for (const uid of uids) tellFact(mail(name, uid))
    })
  return { log, store, wire, heard, tell, name }
}

async function startTwo(db: Database, keep?: number) {
  const [one, two] = [await startLog(db, 'one', new Wire(), keep), await startLog(db, 'two', new Wire(), keep)]
  one.wire.other = two.wire
  two.wire.other = one.wire
  return [one, two] as const
}

async function stored(db: Database): Promise<string[]> {
  const rows = await db.selectFrom('events').selectAll().orderBy('number').execute()
  return rows.map(({ number, type, data }) => `${number} ${nameOf({ type, data: JSON.parse(data) } as Fact)}`)
}

const Step = fc.record({
  writer: fc.nat(1),
  kind: fc.constantFrom('append', 'transact', 'fail', 'lose', 'cut', 'join', 'settle'),
  count: fc.integer({ min: 1, max: 4 }),
})

onEachDatabase(open => {
  test('however two of them write, both hear the same, each fact once, in the order of the table', async () => {
    const db = await open()
    await fc.assert(
      fc.asyncProperty(fc.array(Step, { maxLength: 40 }), fc.constantFrom('well', 'lost'), async (steps, kindOfEnd) => {
        const logs = await startTwo(db)
        const before = (await stored(db)).length
        let uid = 0
        const running: Promise<unknown>[] = []
        const appended: string[] = []
        for (const { writer, kind, count } of steps) {
          const { log, store, wire, name, tell } = logs[writer]!
          const uids = Array.from({ length: count }, () => ++uid)
          if (kind === 'append') {
            for (const one of uids) log.append(mail(name, one))
            appended.push(...uids.map(one => `${name} ${one}`))
          }
          if (kind === 'transact') running.push(tell(...uids).catch(() => undefined))
          if (kind === 'fail') {
            const failing = log.transact(async (_transaction, tellFact) => {
              tellFact(mail('never', uid))
              throw new Error('on purpose')
            })
            running.push(failing.catch(() => undefined))
          }
          if (kind === 'lose') store.isAnswerLost = true
          if (kind === 'cut') wire.isCut = true
          if (kind === 'join') wire.isCut = false
          if (kind === 'settle') await Promise.all(running)
        }
        await Promise.all(running)
        for (const { log, store, wire, name } of logs) {
          wire.isCut = false
          // Appended after all the others, and written after them.
          log.append(mail(name, ++uid))
          store.isAnswerLost = kindOfEnd === 'lost'
        }
        const lines = async () => (await stored(db)).slice(before)
        const ends = logs.map(({ name }, index) => `${name} ${uid - 1 + index}`)
        await expect
          .poll(async () => ends.every((end, i) => logs[i]!.heard.some(line => line.endsWith(end))))
          .toBe(true)
        const all = await lines()
        for (const { heard } of logs) await expect.poll(() => heard, patience).toEqual(all)
        expect(all.map(line => Number(line.split(' ')[0]))).toEqual(all.map((_, index) => before + index + 1))
        const names = all.map(line => line.slice(line.indexOf(' ')))
        expect(new Set(names).size).toBe(names.length)
        expect(all.join()).not.toContain('never')
        expect(appended.filter(name => !names.includes(` ${name}`))).toEqual([])
        for (const { log } of logs) await log.stop()
      }),
      { numRuns: 25 },
    )
  })

  test('what another writes while a commit of ours is being answered is heard, though nothing more is said of it', async () => {
    const db = await open()
    const [one, two] = await startTwo(db)
    one.store.beforeCommitted = () => two.tell(1)
    await one.tell(1)
    await expect.poll(() => one.heard, patience).toEqual(['1 one 1', '2 two 1'])
  })

  test('a transaction resolves when its facts were told, and those that another wrote before', async () => {
    const db = await open()
    const [one, two] = await startTwo(db)
    for (const { wire } of [one, two]) wire.isCut = true
    await two.tell(1, 2)
    await two.tell(3)
    expect(one.heard).toEqual([])
    await one.tell(4)
    expect(one.heard).toEqual(['1 two 1', '2 two 2', '3 two 3', '4 one 4'])
    await two.tell(5)
    expect(two.heard).toEqual([...one.heard, '5 two 5'])
    two.wire.notify()
    two.wire.isCut = false
    two.wire.notify()
    await expect.poll(() => one.heard, patience).toEqual(two.heard)
  })

  test('what another wrote while an empty table was being read is no hole, though own facts follow it', async () => {
    const db = await open()
    const [one, two] = await startTwo(db)
    for (const { wire } of [one, two]) wire.isCut = true
    let told: Promise<void> | undefined
    const reading = Promise.withResolvers<void>()
    one.store.beforeAnswer = async () => {
      await two.tell(1, 2)
      told = one.tell(3)
      // Its commit is known here before the table's older answer is.
      await expect.poll(() => stored(db), patience).toHaveLength(3)
      await new Promise(setImmediate)
      reading.resolve()
    }
    one.wire.moved()
    await reading.promise
    await told
    expect(one.heard).toEqual(['1 two 1', '2 two 2', '3 one 3'])
  })

  test('a commit whose answer was lost is told, once, and what follows too', async () => {
    const db = await open()
    const [one, two] = await startTwo(db)
    one.store.isAnswerLost = true
    await expect(one.tell(1)).rejects.toThrow('on purpose')
    await one.tell(2)
    expect(one.heard).toEqual(['1 one 1', '2 one 2'])
    await expect.poll(() => two.heard, patience).toEqual(one.heard)
  })

  test('while the table cannot be read a transaction does not wait; what it told is told when it can', async () => {
    const db = await open()
    const [one, two] = await startTwo(db)
    two.wire.isCut = true
    one.store.isUnreadable = true
    await two.tell(1)
    await one.tell(2)
    expect(one.heard).toEqual([])
    one.store.isUnreadable = false
    await expect.poll(() => one.heard, patience).toEqual(['1 two 1', '2 one 2'])
  })

  test('what was forgotten before it was read is skipped, and memory begins behind it', async () => {
    const db = await open()
    const [one, two] = await startTwo(db, 10)
    one.wire.isCut = true
    await two.tell(0)
    await one.tell(...Array.from({ length: 50 }, (_, index) => index + 1))
    await one.log.prune()
    await two.tell(51)
    expect(two.heard.at(0)).toBe('1 two 0')
    expect(two.heard.slice(1)).toEqual((await stored(db)).slice(-11))
    expect(two.log.oldestHeld).toBe(42)
    expect(two.log.find(42)?.number).toBe(42)
    // All of it, too.
    await one.tell(52)
    await db.deleteFrom('events').execute()
    await two.tell(53)
    expect(two.heard.at(-1)).toBe('54 two 53')
    expect(two.log.oldestHeld).toBe(54)
  })

  test('a place that another process forgets is known as forgotten by the time of the answer', async () => {
    const db = await open()
    class WatchedStore extends EventStore {
      deleted: () => Promise<void> = async () => undefined
      override async forgetRoutine(first: number, last: number) {
        await super.forgetRoutine(first, last)
        await this.deleted()
      }
    }
    const logger = createLogger('silent')
    const store = new WatchedStore(db)
    const pruning = new EventLog({ store, logger, heldInMemory: 1, keep: 10, keepMs: 60 * 60_000 })
    await pruning.start(() => undefined)
    onTestFinished(() => pruning.stop())
    await pruning.transact(async (_transaction, tellFact) => {
      for (let uid = 1; uid <= 1_200; uid++) tellFact(mail('a', uid))
    })
    const { log: reading } = await startLog(db, 'reading')
    const answers: number[][] = []
    store.deleted = async () => {
      for (const log of [pruning, reading]) {
        const { entries } = await log.readSeen(everything, { after: 0, upTo: 1_200, limit: 1, most: 2_000 })
        answers.push([entries[0]!.number, log.oldest])
      }
    }
    await pruning.prune()
    expect(answers).toEqual([
      [501, 1_191],
      [501, 1_191],
      [1_001, 1_191],
      [1_001, 1_191],
      [1_191, 1_191],
      [1_191, 1_191],
    ])
  })
})

test('more own facts than are held until those before them were read are read from the table', async () => {
  const db = await memoryDatabase()
  const [one, two] = await startTwo(db)
  two.wire.isCut = true
  one.store.isUnreadable = true
  await two.tell(1)
  const uids = Array.from({ length: 6_000 }, (_, index) => index + 2)
  await one.tell(...uids)
  await one.tell(...uids)
  const reads = vi.spyOn(one.store, 'list')
  one.store.isUnreadable = false
  await expect.poll(() => one.heard.length, patience).toBe(12_001)
  expect(reads.mock.calls.length).toBeGreaterThan(12_000 / 500)
  expect(one.heard).toEqual(await stored(db))
})

test('a wake-up in any moment of the end of a read is not lost', async () => {
  const rows: EventRow[] = []
  const heard: number[] = []
  const tail = new LogTail({
    logger: createLogger('silent'),
    read: async (after, limit) => rows.filter(({ number }) => number > after).slice(0, limit),
    handOn: number => heard.push(number),
    skipped: () => expect.unreachable('nothing is missing'),
  })
  onTestFinished(() => tail.stop())
  for (let depth = 0; depth < 20; depth++) {
    tail.wake()
    for (let tick = 0; tick < depth; tick++) await undefined
    const { type, data } = mail('a', depth)
    const row = { type, account_id: 'a', data: JSON.stringify(data), at: data.at, is_administrative: 0 }
    rows.push({ number: depth + 1, ...row })
    tail.wake()
    await expect.poll(() => heard.length, { interval: 1 }).toBe(depth + 1)
  }
})
