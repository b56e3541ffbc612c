/** SQLite on threads: whatever it is at, the thread that asks goes on, and nothing is lost or half done. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { openOnThreads } from '../../../test/support/databases.ts'
import type { Database } from './database.ts'
import { DatabaseOverloaded, DatabaseThreadEnded, databaseFaultKind } from './database-fault.ts'
import { openSqlite, openSqliteReader } from './sqlite-file.ts'

const opened = (bounds?: Parameters<typeof openOnThreads>[0]) => openOnThreads(bounds)

const row = (name: string) => ({ name, value: 'x', updated_at: 'now' })
const save = (db: Database, name: string) => db.insertInto('settings').values(row(name)).execute()
const names = async (db: Database) =>
  (await db.selectFrom('settings').select('name').orderBy('name').execute()).map(({ name }) => name)

const numbers = (count: number) =>
  sql`with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${count}) select n from numbers`

/** Seconds of work. */
const long = (count = 5_000_000) => sql<{ count: number }>`select count(*) as count from (${numbers(count)})`

const longWrite = () =>
  sql`insert into settings select ${'count'}, count, ${'now'} from (select count(*) as count from (${numbers(5_000_000)}))`

/** Counts what the loop serves while the work is in progress. */
async function servedDuring(work: Promise<unknown>, serve: () => Promise<unknown>): Promise<number> {
  let isDone = false
  void work.finally(() => {
    isDone = true
  })
  let served = 0
  while (!isDone) {
    await serve()
    await turn()
    if (!isDone) served++
  }
  return served
}

test('a statement that takes long holds up neither the loop, nor other reads, nor writes', async () => {
  const { db } = await opened()
  // From this one it learns which statements are slow.
  await long(1_000_000).execute(db)
  const isRead = long().execute(db)
  let number = 0
  const served = await servedDuring(isRead, async () => {
    await save(db, `n${number++}`)
    await names(db)
  })
  expect(served).toBeGreaterThan(10)
  expect((await isRead).rows).toEqual([{ count: 5_000_000 }])
  const isWritten = longWrite().execute(db)
  expect(await servedDuring(isWritten, () => names(db))).toBeGreaterThan(10)
})

test('while the writer is at a read that was not known to take long, others get a reader', async () => {
  const { db } = await opened()
  const isRead = long().execute(db)
  expect(await servedDuring(isRead, () => names(db))).toBeGreaterThan(10)
})

test('a committed write is seen by every later query; an uncommitted one only by its own transaction', async () => {
  const { db } = await opened()
  for (let number = 0; number < 50; number++) {
    await save(db, `n${number}`)
    const counts = await Promise.all([names(db), names(db), names(db)])
    expect(counts.map(({ length }) => length)).toEqual([number + 1, number + 1, number + 1])
  }
  await db.transaction().execute(async transaction => {
    await save(transaction, 'inside')
    expect(await names(transaction)).toHaveLength(51)
    expect(await names(db)).toHaveLength(50)
  })
  expect(await names(db)).toHaveLength(51)
})

test('transactions and single writes that come at once never mix', async () => {
  const { db } = await opened()
  const transactions = Array.from({ length: 30 }, (_, number) =>
    db.transaction().execute(async transaction => {
      await save(transaction, `t${number}-one`)
      await turn()
      await save(transaction, `t${number}-two`)
      if (number % 2 === 1) throw new Error('on purpose')
    }),
  )
  const singles = Array.from({ length: 30 }, (_, number) => save(db, `s${number}`))
  const outcomes = await Promise.allSettled([...transactions, ...singles])
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(15)
  const kept = await names(db)
  expect(kept.filter(name => name.startsWith('s'))).toHaveLength(30)
  expect(kept.filter(name => name.startsWith('t'))).toEqual(
    Array.from({ length: 15 }, (_, half) => [`t${half * 2}-one`, `t${half * 2}-two`])
      .flat()
      .sort(),
  )
})

test('when the disk is full nothing of the transaction is left, also where its work went on', async () => {
  const { db, health } = await opened()
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db)
  await sql.raw(`pragma max_page_count = ${rows[0]!.page_count}`).execute(db)
  const half = db.transaction().execute(async transaction => {
    await save(transaction, 'before')
    const large = { ...row('large'), value: 'x'.repeat(100_000) }
    await transaction
      .insertInto('settings')
      .values(large)
      .execute()
      .catch(() => undefined)
    await save(transaction, 'after')
  })
  await expect(half).rejects.toMatchObject({ code: 'ERR_SQLITE_ERROR', errcode: 13, errstr: expect.any(String) })
  expect(await names(db)).toEqual([])
  expect(health.fault?.kind).toBe('full')
})

test('a commit that fails leaves nothing, and what comes behind it is no part of it', async () => {
  const { db } = await opened()
  await sql`create table parents (id integer primary key)`.execute(db)
  await sql`create table children (parent integer references parents deferrable initially deferred)`.execute(db)
  const orphan = db.transaction().execute(async transaction => {
    await sql`insert into children values (1)`.execute(transaction)
  })
  const [failed] = await Promise.allSettled([orphan, save(db, 'behind')])
  expect(failed).toMatchObject({ reason: { errcode: 787, message: 'FOREIGN KEY constraint failed' } })
  expect(await names(db)).toEqual(['behind'])
  expect((await sql`select * from children`.execute(db)).rows).toEqual([])
})

test('while another program writes, a write waits and nothing else does; then it is done', async () => {
  const { db, file } = await opened()
  const other = new DatabaseSync(file)
  onTestFinished(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  let isWritten = false
  const both = Promise.all([save(db, 'single'), db.transaction().execute(transaction => save(transaction, 'inside'))])
  void both.then(() => {
    isWritten = true
  })
  for (let number = 0; number < 50; number++) {
    expect(await names(db)).toEqual([])
    await turn()
  }
  expect(isWritten).toBe(false)
  other.exec('COMMIT')
  await both
  expect(await names(db)).toEqual(['inside', 'single'])
})

test('when it writes for longer than anybody waits, that is said as SQLite says it', async () => {
  const { db, file, health } = await opened()
  await sql`pragma busy_timeout = 20`.execute(db)
  const other = new DatabaseSync(file)
  onTestFinished(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  const inside = db.transaction().execute(transaction => save(transaction, 'inside'))
  for (const outcome of await Promise.allSettled([save(db, 'single'), inside])) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { errcode: 5, message: 'database is locked' } })
  }
  expect(health.fault?.kind).toBe('silent')
  other.exec('COMMIT')
  await save(db, 'later')
  expect(await names(db)).toEqual(['later'])
})

test('a write beside the transaction that waits for it is rejected with an explanation, and the transaction can go on', async () => {
  const { db } = await opened({ bounds: { turnMs: 20 } })
  await db.transaction().execute(async transaction => {
    await save(transaction, 'inside')
    const nested = db.transaction().execute(other => save(other, 'nested'))
    const outcomes = await Promise.allSettled([save(db, 'beside'), nested])
    const faults = outcomes.map(outcome => outcome.status === 'rejected' && outcome.reason)
    for (const fault of faults) expect(fault).toBeInstanceOf(DatabaseOverloaded)
    expect(faults.map(fault => databaseFaultKind(fault))).toEqual(['silent', 'silent'])
    await save(transaction, 'inside too')
  })
  expect(await names(db)).toEqual(['inside', 'inside too'])
})

test('past its bound what is asked is refused, but not what a transaction still needs', async () => {
  const { db } = await opened({ bounds: { maxWaiting: 3 } })
  await db.transaction().execute(async transaction => {
    await save(transaction, 'inside')
    const waiting = [1, 2, 3].map(number => save(db, `s${number}`))
    await turn()
    await expect(names(db)).rejects.toThrow('3 statements wait for the database already')
    await expect(save(db, 'late')).rejects.toThrow(DatabaseOverloaded)
    await expect(db.transaction().execute(names)).rejects.toThrow(DatabaseOverloaded)
    await save(transaction, 'inside too')
    onTestFinished(async () => void (await Promise.all(waiting)))
  })
  await expect.poll(() => names(db)).toEqual(['inside', 'inside too', 's1', 's2', 's3'])
})

test('closing waits for what is under way, takes the log into the database, and takes nothing new', async () => {
  const { db, file, deaths } = await opened()
  const begun = Promise.withResolvers<void>()
  const under = db.transaction().execute(async transaction => {
    await save(transaction, 'inside')
    begun.resolve()
    for (let number = 0; number < 20; number++) await turn()
    await save(transaction, 'inside too')
  })
  await begun.promise
  const waiting = save(db, 'waiting')
  const read = long(500_000).execute(db)
  await turn()
  await db.destroy()
  await Promise.all([under, waiting, read])
  await expect(save(db, 'late')).rejects.toThrow('destroyed')
  expect(deaths).toEqual([])
  expect(existsSync(`${file}-wal`)).toBe(false)
  const kept = openSqlite(file)
  onTestFinished(() => kept.close())
  expect(
    kept
      .prepare('select name from settings order by name')
      .all()
      .map(({ name }) => name),
  ).toEqual(['inside', 'inside too', 'waiting'])
})

test('a transaction that never ends is left behind when the time is over', async () => {
  const { db, file } = await opened({ bounds: { drainMs: 20 } })
  const begun = Promise.withResolvers<void>()
  const never = db.transaction().execute(async transaction => {
    await save(transaction, 'half')
    begun.resolve()
    await new Promise(() => undefined)
  })
  void never.catch(() => undefined)
  await begun.promise
  await db.destroy()
  const kept = openSqlite(file)
  onTestFinished(() => kept.close())
  expect(kept.prepare('select name from settings').all()).toEqual([])
})

for (const [what, index] of [
  ['the one that writes', 0],
  ['the one that reads', 1],
] as const) {
  test(`when a thread ends by itself (${what}), all that waits for it fails in words, and it is told once`, async () => {
    const workers: Worker[] = []
    const collect = (worker: Worker) => void workers.push(worker)
    process.on('worker', collect)
    onTestFinished(() => void process.off('worker', collect))
    const { db, deaths } = await opened()
    await long(1_000_000).execute(db)
    await long(1_000_000).execute(db)
    expect(workers).toHaveLength(2)
    const waiting =
      index === 0 ? [longWrite().execute(db), save(db, 'a')] : [long().execute(db), long(1_000_000).execute(db)]
    const outcomes = Promise.allSettled(waiting)
    await turn()
    await workers[index]!.terminate()
    const words =
      index === 0 ? /^the thread that writes to the database ended: / : /^the thread that reads the database ended: /
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(words) } })
    }
    await expect(index === 0 ? save(db, 'b') : long().execute(db)).rejects.toThrow(DatabaseThreadEnded)
    expect(deaths.map(error => databaseFaultKind(error))).toEqual(['failed'])
    await db.destroy()
    expect(deaths).toHaveLength(1)
  })
}

test('an answer with more rows than fit is refused, and neither its thread nor its transaction ends with it', async () => {
  const { db, deaths } = await opened()
  const most = sql`select n from (${numbers(100_000)})`
  const tooMany = sql`select n from (${numbers(100_001)})`
  const words = 'an answer of the database has more than 100000 rows'
  for (let round = 0; round < 2; round++) {
    expect((await most.execute(db)).rows).toHaveLength(100_000)
    await expect(tooMany.execute(db)).rejects.toThrow(words)
  }
  expect((await sql`select n from (${numbers(100_001)}) limit 100001`.execute(db)).rows).toHaveLength(100_001)
  await db.transaction().execute(async transaction => {
    await save(transaction, 'before')
    await expect(tooMany.execute(transaction)).rejects.toThrow(words)
    await save(transaction, 'after')
  })
  expect(await names(db)).toEqual(['after', 'before'])
  expect(deaths).toEqual([])
})

/**
 * In a process of its own, which would die with it if the limit were not the thread's alone. The thread reads all rows
 * before it dies, with constant garbage collection; so they are large, and half as much again as it may hold.
 */
const needsMore = (file: string) => `
import { sql } from 'kysely'
import { openServerDatabase } from '${new URL('./database.ts', import.meta.url)}'
const said = []
const db = openServerDatabase({ url: 'sqlite:${file}', died: error => said.push('died: ' + error.message) })
const rows = sql\`select n, hex(randomblob(5000)) from (with recursive numbers(n) as (select 1 union all select n + 1 from numbers
  where n < 20000) select n from numbers) limit 20000\`
await rows.execute(db).catch(error => said.push('refused: ' + error.message))
await sql\`select 1\`.execute(db).catch(error => said.push('refused: ' + error.message))
await db.destroy()
console.log(JSON.stringify(said))
`

test('a thread that needs more memory than it has ends alone, and says so', async () => {
  const args = ['--input-type=module', '--eval', needsMore((await opened()).file)]
  const ending = promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname })
  onTestFinished(() => void ending.child.kill('SIGKILL'))
  const { stdout } = await ending
  const ended = expect.stringMatching(/: the thread that writes to the database ended: .*memory/)
  expect(JSON.parse(stdout)).toEqual([ended, ended, ended])
})

test('a reader ends when it is not needed for a while, and comes back', async () => {
  const workers: Worker[] = []
  const collect = (worker: Worker) => void workers.push(worker)
  process.on('worker', collect)
  onTestFinished(() => void process.off('worker', collect))
  const { db, deaths } = await opened({ bounds: { idleMs: 1 } })
  for (const count of [2, 3]) {
    await long(1_000_000).execute(db)
    await long(1_000_000).execute(db)
    expect(workers).toHaveLength(count)
    await once(workers.at(-1)!, 'exit')
  }
  expect(deaths).toEqual([])
})

test('the write-ahead log does not stay large once no reader needs it', async () => {
  const { db, file } = await opened()
  const other = openSqliteReader(file)
  onTestFinished(() => other.close())
  other.exec('BEGIN')
  other.prepare('select count(*) from settings').get()
  await sql`create table large as select randomblob(${sql.lit(40 * 1024 * 1024)}) as one`.execute(db)
  const saveMany = async () => {
    for (let number = 0; number < 1_000; number++) await save(db, `n${number}`)
    await db.deleteFrom('settings').execute()
  }
  await saveMany()
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(40 * 1024 * 1024)
  other.exec('COMMIT')
  await saveMany()
  expect(statSync(`${file}-wal`).size).toBeLessThan(8 * 1024 * 1024)
})

test('where the file cannot be opened it says so, each time, and leaves no thread', async () => {
  const { db, deaths } = await openOnThreads({ url: 'sqlite:/nowhere/at/all.db' })
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(names(db)).rejects.toThrow('the database cannot be created: ENOENT')
  }
  expect(deaths).toEqual([])
})

test('a reader cannot write, by whatever name the file was given', async () => {
  const { file } = await openOnThreads()
  for (const name of [file, `file:${file}`, `file:${file}?mode=rwc&psow=1#top`, `file://${file}?cache=shared`]) {
    const reader = openSqliteReader(name)
    onTestFinished(() => reader.close())
    expect(reader.prepare('select count(*) as count from settings').get()).toEqual({ count: 0 })
    expect(() => reader.exec("insert into settings values ('a', 'b', 'c')")).toThrow('readonly')
  }
})

test('values come back as they were stored', async () => {
  const { db } = await opened()
  await sql`create table kinds (a, b, c, d, e)`.execute(db)
  const pooled = Buffer.from('bytes')
  await sql`insert into kinds values (${'ü'}, ${1.5}, ${null}, ${2 ** 52}, ${pooled})`.execute(db)
  const { rows } = await sql<Record<string, unknown>>`select * from kinds`.execute(db)
  expect(rows).toEqual([{ a: 'ü', b: 1.5, c: null, d: 2 ** 52, e: new Uint8Array(pooled) }])
  await sql`alter table kinds rename column a to z`.execute(db)
  const again = await sql<Record<string, unknown>>`select * from kinds`.execute(db)
  expect(Object.keys(again.rows[0]!)).toEqual(['z', 'b', 'c', 'd', 'e'])
  const changed = await db.insertInto('settings').values(row('a')).executeTakeFirst()
  expect(changed).toEqual({ insertId: 1n, numInsertedOrUpdatedRows: 1n })
})
