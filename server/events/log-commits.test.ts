/** Calls that queue behind each other share a transaction, which is visible only in the time it takes. */
import { PostgresAdapter, sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { onEachDatabase, onThreads } from '../../test/support/databases.ts'
import type { Database } from '../platform/database/database.ts'
import { noChanges } from '../platform/database/database-changes.ts'
import { DatabaseOverloaded } from '../platform/database/database-fault.ts'
import { later } from '../platform/database/later.ts'
import { createLogger } from '../platform/logger.ts'
import { EventStore } from './event-store.ts'
import { LogCommits } from './log-commits.ts'
import { LogTail } from './log-tail.ts'

function mail(uid: number): Fact {
  const at = new Date().toISOString()
  return { type: 'mail_received', data: { account_id: 'a', folder: 'INBOX', uid, uid_validity: 1, at } }
}

const uidOf = (data: string) => JSON.parse(data).uid as number

function setUp(db: Database) {
  const store = new EventStore(db)
  let transactions = 0
  const faults: Error[] = []
  const transact = store.transact.bind(store)
  store.transact = work => {
    transactions++
    return transact(async transaction => {
      const result = await work(transaction)
      const fault = faults.shift()
      // As when the commit itself fails: the transaction is rolled back.
      if (fault) throw fault
      return result
    })
  }
  const heard: number[] = []
  const tail = new LogTail({
    logger: createLogger('silent'),
    read: (after, limit) => store.list(after, limit),
    handOn: (_number, { json }) => heard.push(uidOf(json)),
    skipped: () => expect.unreachable('nothing is missing'),
  })
  const clock = { now: 0 }
  const commits = new LogCommits({ store, tail, changes: noChanges, now: () => clock.now })
  onTestFinished(async () => {
    await commits.idle()
    await tail.stop()
  })
  const listed = async () => (await db.selectFrom('events').selectAll().orderBy('number').execute()) ?? []
  return {
    commits,
    clock,
    heard,
    failNext: (error: Error) => faults.push(error),
    transactions: () => transactions,
    stored: async () => (await listed()).map(({ data }) => uidOf(data)),
    numbers: async () => (await listed()).map(({ number }) => number),
    names: async () => (await db.selectFrom('settings').select('name').orderBy('name').execute()).map(row => row.name),
  }
}

const insert = (db: Database, name: string) =>
  db.insertInto('settings').values({ name, value: '1', updated_at: 'now' }).execute()

function suite(open: () => Promise<Database>) {
  test('calls that wait for each other are one transaction, and their facts stand in the order of the calls', async () => {
    const { commits, heard, stored, numbers, names, transactions } = setUp(await open())
    const seen: number[] = []
    const calls = Array.from({ length: 20 }, (_, index) =>
      commits.transact(async (transaction, publish) => {
        if (index % 3 > 0) await insert(transaction, `n${String(index).padStart(2, '0')}`)
        // It sees what earlier parts did.
        seen.push((await transaction.selectFrom('settings').selectAll().execute()).length)
        publish(mail(index))
        return index
      }),
    )
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 20 }, (_, index) => index))
    expect(transactions()).toBe(1)
    expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index - Math.floor(index / 3)))
    expect(await names()).toHaveLength(13)
    expect(await stored()).toEqual(Array.from({ length: 20 }, (_, index) => index))
    expect(await numbers()).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
    expect(heard).toEqual(await stored())
  })

  test('a part that fails takes back itself alone, in the database and in memory, and the others commit', async () => {
    const { commits, stored, names } = setUp(await open())
    let memory: string[] = []
    const change = (name: string, fails: boolean) => {
      let before: string[] | undefined
      const kept = commits.transact(async (transaction, publish) => {
        await insert(transaction, name)
        before = memory
        memory = [...memory, name]
        publish(mail(name.charCodeAt(0)))
        if (fails) throw new Error(`${name} fails`)
      })
      return kept.catch((error: Error) => {
        memory = before ?? memory
        return error.message
      })
    }
    const results = await Promise.all([...'abcdef'].map(name => change(name, 'ace'.includes(name))))
    expect(results).toEqual(['a fails', undefined, 'c fails', undefined, 'e fails', undefined])
    expect(memory).toEqual(['b', 'd', 'f'])
    expect(await names()).toEqual(memory)
    expect(await stored()).toEqual(memory.map(name => name.charCodeAt(0)))
  })

  test('when the commit fails all are rejected, the last one first, and what comes then commits', async () => {
    const { commits, stored, names, failNext, transactions } = setUp(await open())
    failNext(new Error('the disk is full'))
    const rejected: string[] = []
    let memory = ''
    const change = (name: string, fails = false) => {
      let before = ''
      const kept = commits.transact(async (transaction, publish) => {
        await insert(transaction, name)
        before = memory
        memory += name
        publish(mail(name.charCodeAt(0)))
        if (fails) throw new Error('because of what others did')
      })
      return kept.catch((error: Error) => {
        memory = before
        rejected.push(`${name}: ${error.message}`)
      })
    }
    await Promise.all([change('a'), change('b'), change('c', true), change('d')])
    expect(rejected).toEqual(['c', 'b', 'a'].map(name => `${name}: the disk is full`))
    expect(memory).toBe('d')
    expect(await names()).toEqual(['d'])
    expect(await stored()).toEqual(['d'.charCodeAt(0)])
    expect(transactions()).toBe(2)
  })

  test('what a part leaves for later fails with that part alone; with the first, all fail and the next begins by itself', async () => {
    const { commits, stored, names } = setUp(await open())
    const change = (name: string, code: number) =>
      commits.transact(async (transaction, publish) => {
        await later(transaction, transaction.insertInto('settings').values({ name, value: '1', updated_at: 'now' }))
        publish(mail(code))
      })
    const outcomes = async (calls: Promise<unknown>[]) => (await Promise.allSettled(calls)).map(({ status }) => status)
    const [kept, lost] = ['fulfilled', 'rejected']
    expect(await outcomes([change('a', 1), change('b', 2), change('a', 3), change('c', 4)])).toEqual([
      kept,
      kept,
      lost,
      kept,
    ])
    expect(await outcomes([change('a', 5), change('d', 6)])).toEqual([lost, kept])
    expect(await outcomes([change('b', 7)])).toEqual([lost])
    expect(await names()).toEqual(['a', 'b', 'c', 'd'])
    expect(await stored()).toEqual([1, 2, 4, 6])
  })

  test('a batch that is tried again where the lock cannot be had is rejected, and committed once it can', async () => {
    const db = await open()
    const { commits, failNext, stored } = setUp(db)
    failNext(new Error('the answer was lost'))
    const batch = commits.newBatch([mail(1)])
    await expect(batch.commit()).rejects.toThrow('the answer was lost')
    await sql`alter table event_counter rename to elsewhere`.execute(db)
    await expect(batch.commit()).rejects.toThrow('event_counter')
    await sql`alter table elsewhere rename to event_counter`.execute(db)
    await batch.commit()
    expect(await stored()).toEqual([1])
  })

  test('a part that swallows the error of a statement, or asks after its end, does not harm the others', async () => {
    const { commits, stored, names } = setUp(await open())
    const late = Promise.withResolvers<Database>()
    const results = await Promise.allSettled([
      commits.transact(async (transaction, publish) => {
        await insert(transaction, 'one')
        publish(mail(1))
        late.resolve(transaction)
      }),
      commits.transact(async (transaction, publish) => {
        await expect(insert(await late.promise, 'late')).rejects.toThrow('has ended')
        await insert(transaction, 'two').catch(() => undefined)
        publish(mail(2))
      }),
      commits.transact(async transaction => {
        await insert(transaction, 'one').catch(() => undefined)
      }),
      commits.transact(async (transaction, publish) => {
        await insert(transaction, 'three')
        publish(mail(3))
      }),
    ])
    expect(results.map(({ status }) => status).toSpliced(2, 1)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
    expect(await names()).toEqual(['one', 'three', 'two'])
    expect(await stored()).toEqual([1, 2, 3])
  })

  test('when the database goes in the middle of a part all are rejected, and what comes then commits', async () => {
    const db = await open()
    const { commits, names, stored } = setUp(db)
    const change = (name: string, isLast = false) =>
      commits.transact(async (transaction, publish) => {
        await insert(transaction, name)
        publish(mail(name.charCodeAt(0)))
        if (!isLast) return
        // Either way the transaction has been rolled back beneath it.
        const isPostgres = db.getExecutor().adapter instanceof PostgresAdapter
        const end = isPostgres ? sql`select pg_terminate_backend(pg_backend_pid())` : sql`rollback`
        await end.execute(transaction)
        throw new Error('the transaction is gone')
      })
    const results = await Promise.allSettled([change('a'), change('b', true)])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await change('c')
    expect(await names()).toEqual(['c'])
    expect(await stored()).toEqual(['c'.charCodeAt(0)])
  })

  test('a transaction ends after 32 calls, 20 ms or 1,000 facts; who waited 30 s is refused', async () => {
    const { commits, clock, transactions, stored } = setUp(await open())
    const many = (count: number, facts = 1) =>
      Promise.all(
        Array.from({ length: count }, () =>
          commits.transact(async (_transaction, publish) => {
            for (let uid = 0; uid < facts; uid++) publish(mail(uid))
          }),
        ),
      )
    await many(33)
    expect(transactions()).toBe(2)
    await many(4, 500)
    expect(transactions()).toBe(4)
    const slow = (ms: number) =>
      commits.transact(async () => {
        clock.now += ms
      })
    await Promise.all([slow(10), slow(10), slow(10)])
    expect(transactions()).toBe(6)
    const results = await Promise.allSettled([slow(30_001), slow(0)])
    expect(results).toMatchObject([{ status: 'fulfilled' }, { reason: expect.any(DatabaseOverloaded) }])
    expect(await stored()).toHaveLength(33 + 2_000)
    // Nothing waits any more, and a call begins it again.
    await slow(0)
  })

  test('whatever parts do, each of those kept is there once, whole, and those that failed are not', async () => {
    const { commits, failNext, stored, numbers, names, heard } = setUp(await open())
    let state = 4711
    const random = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31
      return (state % 65_521) % below
    }
    const began: number[] = []
    const kept: number[] = []
    const call = async (uid: number) => {
      const [kind, facts] = [random(6), random(3)]
      try {
        await commits.transact(async (transaction, publish) => {
          began.push(uid)
          if (kind === 0) throw new Error('at once')
          if (kind % 2 === 0) await insert(transaction, `n${uid}`)
          for (let fact = 0; fact < facts; fact++) publish(mail(uid))
          if (kind === 1) throw new Error('at last')
          if (kind === 2) await insert(transaction, `n${uid}`)
        })
        kept.push(...Array.from({ length: facts }, () => uid))
        return kind % 2 === 0 ? [`n${uid}`] : []
      } catch {
        return []
      }
    }
    const wanted: string[] = []
    for (let round = 0; round < 12; round++) {
      if (round % 4 === 3) failNext(new Error('no commit'))
      const group = Array.from({ length: 1 + random(40) }, (_, index) => call(round * 100 + index))
      wanted.push(...(await Promise.all(group)).flat())
    }
    expect(await names()).toEqual(wanted.sort())
    const found = await stored()
    expect(found).toEqual(kept.sort((one, other) => began.indexOf(one) - began.indexOf(other)))
    expect(await numbers()).toEqual(found.map((_, index) => index + 1))
    expect(heard).toEqual(found)
    expect(found.length).toBeGreaterThan(50)
  })
}

onEachDatabase(suite)
onThreads(suite)
onThreads(open => {
  test('when the disk is full in a part, what was answered is what is there, and it goes on when there is room', async () => {
    const db = await open()
    const { commits, names } = setUp(db)
    const write = (name: string, bytes: number, most?: number) =>
      commits.transact(async (transaction, publish) => {
        if (most) await sql`pragma max_page_count = ${sql.lit(most)}`.execute(transaction)
        await transaction
          .insertInto('settings')
          .values({ name, value: 'x'.repeat(bytes), updated_at: 'now' })
          .execute()
        publish(mail(name.charCodeAt(0)))
        return name
      })
    const results = await Promise.allSettled([write('a', 1), write('b', 4_000_000, 1), write('c', 1)])
    const [, full] = results
    expect(full).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('full') } })
    await write('d', 1, 1_000_000)
    const kept = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    expect(await names()).toEqual([...kept, 'd'])
  })
})
