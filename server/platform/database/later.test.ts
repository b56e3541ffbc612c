/** Statements that are left for later go with what follows, and fail with it. */
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { memoryDatabase, openOnThreads } from '../../../test/support/databases.ts'
import type { Database } from './database.ts'
import { isOutdated } from './database-fault.ts'
import { later } from './later.ts'

const opened = () => openOnThreads()

const row = (name: string) => ({ name, value: 'x', updated_at: 'now' })
const save = (db: Database, name: string) => db.insertInto('settings').values(row(name)).execute()
const names = async (db: Database) =>
  (await db.selectFrom('settings').select('name').orderBy('name').execute()).map(({ name }) => name)

test('what is left for later goes with what follows, and its answer comes then', async () => {
  const { db } = await opened()
  const inserted = (name: string, transaction: Database) =>
    later<{ name: string }>(transaction, transaction.insertInto('settings').values(row(name)).returning('name'))
  const answers = await db.transaction().execute(async transaction => {
    const one = await inserted('one', transaction)
    expect(await names(transaction)).toEqual(['one'])
    return [one.answer, (await inserted('two', transaction)).answer]
  })
  expect((await Promise.all(answers)).map(({ rows }) => rows)).toEqual([[{ name: 'one' }], [{ name: 'two' }]])
  expect(await names(db)).toEqual(['one', 'two'])
  let dropped: Promise<unknown> | undefined
  const broken = db.transaction().execute(async transaction => {
    dropped = (await inserted('three', transaction)).answer
    throw new Error('changed its mind')
  })
  await expect(broken).rejects.toThrow('changed its mind')
  await expect(dropped).rejects.toThrow('rolled back')
  expect(await names(db)).toEqual(['one', 'two'])
})

test('where what was left for later fails, so does all that relied on it, up to a savepoint or the commit', async () => {
  const { db } = await opened()
  await save(db, 'there')
  const saveLater = (transaction: Database, name: string) =>
    later(transaction, transaction.insertInto('settings').values(row(name)))
  const atCommit = db.transaction().execute(async transaction => {
    await saveLater(transaction, 'one')
    await saveLater(transaction, 'there')
    await saveLater(transaction, 'two')
  })
  await expect(atCommit).rejects.toThrow('UNIQUE')
  const swallowed = db.transaction().execute(async transaction => {
    await saveLater(transaction, 'there')
    await expect(save(transaction, 'three')).rejects.toThrow('UNIQUE')
    await expect(save(transaction, 'four')).rejects.toThrow('UNIQUE')
  })
  await expect(swallowed).rejects.toThrow('UNIQUE')
  expect(await names(db)).toEqual(['there'])
  await db.transaction().execute(async transaction => {
    await sql`savepoint here`.execute(transaction)
    await saveLater(transaction, 'there')
    await expect(sql`release savepoint here`.execute(transaction)).rejects.toThrow('UNIQUE')
    await sql`rollback to savepoint here`.execute(transaction)
    await saveLater(transaction, 'five')
  })
  expect(await names(db)).toEqual(['five', 'there'])
})

test.each([
  ['on threads', async () => (await opened()).db],
  ['in the same thread', memoryDatabase],
])('what has to change so many rows is outdated where it changes others, and nothing is kept: %s', async (_, open) => {
  const db = await open()
  await save(db, 'there')
  const rename = (from: string, to: string) =>
    db.transaction().execute(async transaction => {
      const change = transaction.updateTable('settings').set({ value: to }).where('name', '=', 'there')
      await later(transaction, change.where('value', '=', from), 1)
      await later(transaction, transaction.insertInto('settings').values(row(to)))
    })
  await rename('x', 'one')
  expect(isOutdated(await rename('x', 'two').catch((error: unknown) => error))).toBe(true)
  expect(await names(db)).toEqual(['one', 'there'])
  await rename('one', 'three')
  expect(await names(db)).toEqual(['one', 'there', 'three'])
  const answered = db.transaction().execute(async transaction => {
    const change = transaction.updateTable('settings').set({ value: 'y' }).returning('name')
    await later(transaction, change, 2)
  })
  expect(isOutdated(await answered.catch((error: unknown) => error))).toBe(true)
})
