/** A server that writes all the time, and a command beside it that has something to write as well. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { openOnThreads } from '../../../test/support/databases.ts'
import type { Database } from './database.ts'

const save = (db: Database, name: string) =>
  db.insertInto('settings').values({ name, value: 'x', updated_at: 'now' }).execute()

test('another program that writes gets its turn, though transactions come one right behind the other', async () => {
  const { db, file } = await openOnThreads()
  const ended = new AbortController()
  const write = async () => {
    while (!ended.signal.aborted) {
      await db.transaction().execute(async transaction => {
        await save(transaction, `own ${Math.random()}`)
        await wait(5)
      })
    }
  }
  const writing = Promise.all([write(), write(), write()])
  onTestFinished(() => ended.abort())
  // However slow a busy machine is; without a turn it would be refused repeatedly.
  const program = `
    const { openDatabase } = await import(${JSON.stringify(new URL('./database.ts', import.meta.url).href)})
    const db = openDatabase(${JSON.stringify(`sqlite:${file}`)})
    const row = { name: 'other', value: '1', updated_at: '' }
    while (!(await db.insertInto('settings').values(row).execute().then(() => true, () => false)));
    await db.destroy()`
  const other = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' })
  onTestFinished(() => void other.kill())
  expect(await once(other, 'exit')).toEqual([0, null])
  ended.abort()
  await writing
  const found = db.selectFrom('settings').select('value').where('name', '=', 'other')
  expect(await found.executeTakeFirst()).toEqual({ value: '1' })
})
