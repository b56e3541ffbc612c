/**
 * Processes on one database are notified of each other's commits: soon, on both databases, and again after a lost
 * connection.
 */
import pg from 'pg'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { newPostgresDatabase, onEachDatabase } from '../../../test/support/databases.ts'
import { startRelay } from '../../../test/support/tcp-relay.ts'
import { migrations } from '../../migrations.ts'
import { createLogger } from '../logger.ts'
import { openDatabase } from './database.ts'
import { databaseChanges } from './database-changes.ts'
import { migrate } from './migrate.ts'

const logger = createLogger('silent')
/** A busy machine may be slow. */
const patience = { interval: 5 }

async function follow(url: string) {
  const changes = databaseChanges(url, logger)
  const heard = { count: 0 }
  await changes.start(() => heard.count++)
  onTestFinished(() => changes.stop())
  return { changes, heard }
}

onEachDatabase((_open, newUrl) => {
  test('a commit of another connection is heard', async () => {
    const url = await newUrl()
    const db = openDatabase(url)
    onTestFinished(() => db.destroy())
    await migrate(db, migrations)
    const [one, two] = [await follow(url), await follow(url)]
    for (let round = 0; round < 3; round++) {
      const before = two.heard.count
      await db.updateTable('event_counter').set({ id: 1 }).execute()
      one.changes.notify()
      await expect.poll(() => two.heard.count, patience).toBeGreaterThan(before)
    }
  })
})

test('a database in memory is never shared', async () => {
  const { changes, heard } = await follow('sqlite::memory:')
  changes.notify()
  expect(heard.count).toBe(0)
})

const serverUrl = inject('postgresUrl')
describe.skipIf(serverUrl === undefined)('on PostgreSQL', () => {
  const listening = "select pid from pg_stat_activity where query like 'listen %' or query like 'notify %'"

  async function ask(url: string) {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    onTestFinished(() => client.end())
    return client
  }

  test('many commits are one notification each 25 ms, which the one that told does not hear', async () => {
    const url = await newPostgresDatabase(serverUrl!)
    const client = await ask(url)
    let notified = 0
    client.on('notification', () => notified++)
    await client.query('listen rustymail_log')
    const { changes, heard } = await follow(url)
    // The first is of the connection itself.
    await expect.poll(() => notified, patience).toBeGreaterThan(0)
    const before = { notified, heard: heard.count, at: performance.now() }
    for (let turn = 0; turn < 5_000; turn++) {
      changes.notify()
      if (turn % 50 === 0) await new Promise(setImmediate)
    }
    await expect.poll(() => notified, patience).toBeGreaterThan(before.notified)
    const most = Math.ceil((performance.now() - before.at) / 25) + 2
    expect(notified - before.notified).toBeLessThanOrEqual(most)
    // It polls every two seconds, and its own commits do not wake it.
    const looks = Math.ceil((performance.now() - before.at) / 2_000) + 1
    expect(heard.count - before.heard).toBeLessThanOrEqual(looks)
  })

  test('a listening connection that was ended is made again, and hears again', async () => {
    const url = await newPostgresDatabase(serverUrl!)
    const client = await ask(url)
    const { heard } = await follow(url)
    const pids = async () => (await client.query<{ pid: number }>(listening)).rows.map(({ pid }) => pid)
    await expect.poll(async () => (await pids()).length, patience).toBe(1)
    const [former] = await pids()
    await client.query('select pg_terminate_backend($1)', [former])
    await expect.poll(async () => (await pids()).some(pid => pid !== former), patience).toBe(true)
    // Missed commits are polled for, and later ones are notified before the next poll would find them.
    const before = heard.count
    for (let turn = 0; heard.count - before < 5; turn++) {
      await client.query("notify rustymail_log, 'moved'")
      expect(turn).toBeLessThan(10_000)
    }
  })

  test('while there is no connection it is looked for, and there is an end to it', async () => {
    const { port, hostname } = new URL(serverUrl!)
    expect(hostname).toBe('127.0.0.1')
    const relay = await startRelay(Number(port))
    const url = Object.assign(new URL(await newPostgresDatabase(serverUrl!)), { port: String(relay.port) }).toString()
    const { changes, heard } = await follow(url)
    await expect.poll(() => heard.count, patience).toBeGreaterThan(0)
    await relay.stop()
    const before = heard.count
    await expect.poll(() => heard.count, patience).toBeGreaterThan(before + 1)
    await changes.stop()
    const after = heard.count
    changes.notify()
    expect(heard.count).toBe(after)
  })
})
