/** One RustyMail on a database, and a dead one's does not stay locked. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { newPostgresDatabase, onEachDatabase } from '../../../test/support/databases.ts'
import { startSessionSharer } from '../../../test/support/session-sharer.ts'
import { startRelay } from '../../../test/support/tcp-relay.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { createLogger } from '../logger.ts'
import { openDatabase } from './database.ts'
import { DatabaseTaken, databaseLock } from './database-lock.ts'

function lockOn(url: string) {
  const seen = { lost: 0, lines: [] as string[] }
  const logger = createLogger('info', { write: line => void seen.lines.push(line) })
  const lock = databaseLock({ url, logger, lost: () => void seen.lost++ })
  onTestFinished(() => lock.release())
  return { lock, seen, said: () => seen.lines.join('') }
}

onEachDatabase((_open, newUrl) => {
  test('a second one is refused, until the first lets go', async () => {
    const url = await newUrl()
    const [first, second] = [lockOn(url).lock, lockOn(url).lock]
    await first.take()
    await expect(second.take()).rejects.toThrow(DatabaseTaken)
    await expect(second.take()).rejects.toThrow('another RustyMail runs on this database')
    await first.release()
    await second.take()
    await expect(lockOn(url).lock.take()).rejects.toThrow(DatabaseTaken)
  })

  test('after kill -9 the next one has it at once', async () => {
    const url = await newUrl()
    const module = join(import.meta.dirname, 'database-lock.ts')
    const code = `
      const { databaseLock } = await import(${JSON.stringify(module)})
      globalThis.held = databaseLock({ url: ${JSON.stringify(url)} })
      await held.take()
      console.log('taken')
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    await expect(lockOn(url).lock.take()).rejects.toThrow(DatabaseTaken)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await lockOn(url).lock.take()
  })
})

test('an SQLite file is the same one by every name, its lock goes with it, and one in memory is never shared', async () => {
  const dir = tempDir('lock')
  onTestFinished(() => dir.remove())
  const file = join(dir.path, 'one.db')
  const first = lockOn(`sqlite:${file}`).lock
  await first.take()
  expect(existsSync(`${file}.lock`)).toBe(true)
  symlinkSync(file, join(dir.path, 'two.db'))
  await expect(lockOn(`sqlite:${dir.path}/two.db`).lock.take()).rejects.toThrow(DatabaseTaken)
  await expect(lockOn(`sqlite:file:${file}?mode=rwc`).lock.take()).rejects.toThrow(DatabaseTaken)
  await first.release()
  expect(existsSync(`${file}.lock`)).toBe(false)
  await lockOn('sqlite::memory:').lock.take()
  await lockOn('sqlite::memory:').lock.take()
})

test('the lock of an SQLite file is taken again when it was removed, unless another was faster', async () => {
  const dir = tempDir('lock')
  onTestFinished(() => dir.remove())
  const url = `sqlite:${join(dir.path, 'one.db')}`
  const [first, second] = [lockOn(url).lock, lockOn(url).lock]
  await first.take()
  rmSync(join(dir.path, 'one.db.lock'))
  expect(first.keep()).toBe(true)
  await expect(second.take()).rejects.toThrow(DatabaseTaken)
  rmSync(join(dir.path, 'one.db.lock'))
  await second.take()
  expect([first.keep(), second.keep()]).toEqual([false, true])
})

const postgresUrl = inject('postgresUrl')
describe.skipIf(postgresUrl === undefined)('on PostgreSQL', () => {
  /** Whose connections hold advisory locks. */
  const holders = async (url: string) => {
    const db = openDatabase(url)
    const { rows } = await sql<{ pid: number }>`
      select pid from pg_locks where locktype = 'advisory' and granted
      and database = (select oid from pg_database where datname = current_database())`.execute(db)
    return { pids: rows.map(row => row.pid), db }
  }
  const endConnection = async (url: string) => {
    const { pids, db } = await holders(url)
    await sql`select pg_terminate_backend(${pids[0]!}::int)`.execute(db)
    await db.destroy()
    return pids[0]!
  }
  const holdersNow = async (url: string) => {
    const { pids, db } = await holders(url)
    await db.destroy()
    return pids
  }

  for (const shared of ['transaction', 'statement'] as const) {
    test(`through a pooler that shares sessions between ${shared}s nothing is locked, and the way out is said`, async () => {
      const url = await newPostgresDatabase(postgresUrl!)
      const pooler = await startSessionSharer(url, shared)
      onTestFinished(() => pooler.stop())
      await expect(lockOn(pooler.url).lock.take()).rejects.toThrow(/RUSTYMAIL_DATABASE_URL .* pool_mode = session/)
      expect(await holdersNow(url)).toEqual([])
      await lockOn(url).lock.take()
    })
  }

  test('two databases of one server are two', async () => {
    await lockOn(await newPostgresDatabase(postgresUrl!)).lock.take()
    await lockOn(await newPostgresDatabase(postgresUrl!)).lock.take()
  })

  test('when its connection ends it is taken again, and still refused to others, whatever the URL calls them all', async () => {
    const url = `${await newPostgresDatabase(postgresUrl!)}?application_name=everybody`
    const { lock, seen } = lockOn(url)
    await lock.take()
    const before = await endConnection(url)
    await expect.poll(() => holdersNow(url)).toEqual([expect.not.toBeOneOf([before])])
    await expect(lockOn(url).lock.take()).rejects.toThrow(DatabaseTaken)
    expect(seen.lost).toBe(0)
    await lock.release()
    expect(await holdersNow(url)).toEqual([])
  })

  test('when somebody else has it by then, that is said once', async () => {
    const url = await newPostgresDatabase(postgresUrl!)
    const { lock, seen } = lockOn(url)
    await lock.take()
    const other = new pg.Client({ connectionString: url })
    await other.connect()
    onTestFinished(() => other.end())
    const { rows } = await other.query(`select classid, objid from pg_locks where locktype = 'advisory'
      and database = (select oid from pg_database where datname = current_database())`)
    // Queues for the lock, and so is first when the connection ends.
    const taken = other.query('select pg_advisory_lock($1, $2)', [rows[0].classid, rows[0].objid])
    await endConnection(url)
    await taken
    await expect.poll(() => seen.lost).toBe(1)
    await lock.release()
    expect(seen.lost).toBe(1)
  })

  test('a former connection of its own that the database holds for alive does not stand in its way', async () => {
    const url = new URL(await newPostgresDatabase(postgresUrl!))
    const relay = await startRelay(Number(url.port))
    onTestFinished(() => relay.stop())
    const { lock, seen, said } = lockOn(Object.assign(new URL(url), { port: String(relay.port) }).toString())
    await lock.take()
    const [before] = await holdersNow(url.toString())
    relay.cutClients()
    await expect.poll(said).toContain('is taken again')
    expect(await holdersNow(url.toString())).toEqual([expect.not.toBeOneOf([before])])
    expect(seen.lost).toBe(0)
  })

  test('a former connection of its own that the database has not ended yet is waited for, and is not taken for another server', async () => {
    const url = new URL(await newPostgresDatabase(postgresUrl!))
    const end = 'pg_terminate_backend(pid)'
    let isEnding = false
    // As if the database is slow to end it: it is detected, and retried.
    const slowToEnd = (data: string) => (isEnding ? data : data.replace(end, '(pid)'.padStart(end.length)))
    const relay = await startRelay(Number(url.port), { toServer: slowToEnd })
    onTestFinished(() => relay.stop())
    const { lock, seen, said } = lockOn(Object.assign(new URL(url), { port: String(relay.port) }).toString())
    await lock.take()
    const before = await holdersNow(url.toString())
    relay.cutClients()
    await expect.poll(said).toContain('has not ended yet')
    expect(await holdersNow(url.toString())).toEqual(before)
    isEnding = true
    await expect.poll(said).toContain('is taken again')
    expect(await holdersNow(url.toString())).toEqual([expect.not.toBeOneOf(before)])
    expect(seen.lost).toBe(0)
  })

  test('while the database is away it is asked for again and again', async () => {
    const url = new URL(await newPostgresDatabase(postgresUrl!))
    const relay = await startRelay(Number(url.port))
    const { lock, seen, said } = lockOn(Object.assign(new URL(url), { port: String(relay.port) }).toString())
    await lock.take()
    await relay.stop()
    await expect.poll(said).toContain('was lost')
    const again = await startRelay(Number(url.port), {}, relay.port)
    onTestFinished(() => again.stop())
    await expect.poll(said).toContain('is taken again')
    expect(await holdersNow(url.toString())).toHaveLength(1)
    expect(seen.lost).toBe(0)
  })
})
