/** Nobody but the owner of a SQLite database can read it, wherever it is and by whatever name it was given. */
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { migrations } from '../../migrations.ts'
import { createLogger } from '../logger.ts'
import { openDatabase } from './database.ts'
import { databaseLock } from './database-lock.ts'
import { migrate } from './migrate.ts'
import { foreignModes, openSqlite, sqliteFile, syncSqlite } from './sqlite-file.ts'

function place(): string {
  const dir = tempDir('sqlite-file')
  onTestFinished(() => dir.remove())
  chmodSync(dir.path, 0o755)
  const before = process.umask(0o022)
  onTestFinished(() => void process.umask(before))
  return dir.path
}

const modes = (dir: string) =>
  Object.fromEntries(readdirSync(dir).map(name => [name, (statSync(join(dir, name)).mode & 0o777).toString(8)]))

test.each([
  ['a path', (dir: string) => join(dir, 'mail.db')],
  ['a URI', (dir: string) => `file:${join(dir, 'mail.db')}`],
  ['a URI with an authority and parameters', (dir: string) => `file://${join(dir, 'mail.db')}?mode=rwc#top`],
  ['a URI with escapes', (dir: string) => `file:${dir}/m%61il.db?psow=1`],
])('%s: the database and all that stands beside it have mode 0600', async (_name, pathOf) => {
  const dir = place()
  const url = `sqlite:${pathOf(dir)}`
  const lock = databaseLock({ url, logger: createLogger('silent'), lost: () => undefined })
  await lock.take()
  const db = openDatabase(url)
  await migrate(db, migrations)
  const all = ['mail.db', 'mail.db-shm', 'mail.db-wal', 'mail.db.lock', 'mail.db.lock-journal']
  expect(modes(dir)).toEqual(Object.fromEntries(all.map(name => [name, '600'])))
  await db.destroy()
  await lock.release()
  expect(modes(dir)).toEqual({ 'mail.db': '600' })
})

test('a new database is private before SQLite opens it, so that no early reader keeps it open', () => {
  const dir = place()
  // SQLite refuses to open it for writing, so what is left is what was made before that.
  expect(() => openSqlite(`file:${join(dir, 'mail.db')}?mode=nonsense`)).toThrow('no such access mode')
  expect(modes(dir)).toEqual({ 'mail.db': '600' })
})

test('what others may read from before is narrowed, its log of a crash too', () => {
  const dir = place()
  const file = join(dir, 'mail.db')
  const open = openSqlite(file)
  onTestFinished(() => open.close())
  open.exec('PRAGMA journal_mode = WAL; CREATE TABLE one (a)')
  for (const end of ['', '-wal', '-shm']) chmodSync(file + end, 0o664)
  writeFileSync(`${file}-journal`, '', { mode: 0o644 })
  expect(foreignModes(file)).toHaveLength(4)
  openSqlite(file).close()
  expect(foreignModes(file)).toEqual([])
})

test('a link is followed, to what is there and to what is not there yet', () => {
  const dir = place()
  mkdirSync(join(dir, 'disk'))
  writeFileSync(join(dir, 'disk', 'old.db'), '', { mode: 0o644 })
  for (const name of ['old.db', 'new.db']) {
    symlinkSync(join(dir, 'disk', name), join(dir, name))
    const database = openSqlite(join(dir, name))
    database.exec('CREATE TABLE one (a)')
    database.close()
  }
  expect(modes(join(dir, 'disk'))).toEqual({ 'old.db': '600', 'new.db': '600' })
})

test('where no database can be made it says so, and where', () => {
  const dir = place()
  expect(() => openSqlite(join(dir, 'none', 'mail.db'))).toThrow(/database cannot be created: ENOENT.*none.mail\.db/)
  writeFileSync(join(dir, 'file'), '')
  expect(() => openSqlite(join(dir, 'file', 'mail.db'))).toThrow(/database cannot be created|ENOTDIR/)
})

test.each([':memory:', '', 'file::memory:', 'file:', 'file:name?mode=memory&cache=shared', 'file:/name?vfs=memdb'])(
  '"%s" is in memory, and leaves no file',
  path => {
    const dir = place()
    const here = process.cwd()
    process.chdir(dir)
    onTestFinished(() => process.chdir(here))
    expect(sqliteFile(path)).toBeUndefined()
    const database = openSqlite(path)
    expect(database.location()).toBeNull()
    database.close()
    expect(readdirSync(dir)).toEqual([])
  },
)

test('what was committed can be made to last, also where there is no log', async () => {
  const file = join(place(), 'mail.db')
  await syncSqlite(file)
  const database = openSqlite(file)
  onTestFinished(() => database.close())
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE one (a)')
  expect(existsSync(`${file}-wal`)).toBe(true)
  await syncSqlite(file)
  expect(database.prepare('SELECT count(*) AS n FROM one').get()).toEqual({ n: 0 })
})

test('a transaction that reads first can write, whatever another program has asked since', async () => {
  const url = `sqlite:${join(place(), 'mail.db')}`
  const [one, other] = [openDatabase(url), openDatabase(url)]
  onTestFinished(async () => {
    await one.destroy()
    await other.destroy()
  })
  await migrate(one, migrations)
  await sql`pragma busy_timeout = 0`.execute(other)
  const count = sql<{ n: number }>`select count(*) as n from settings`
  const row = (name: string) => ({ name, value: '1', updated_at: '' })
  await one.transaction().execute(async transaction => {
    await count.execute(transaction)
    await expect(other.insertInto('settings').values(row('b')).execute()).rejects.toThrow('locked')
    await transaction.insertInto('settings').values(row('a')).execute()
  })
  expect((await count.execute(other)).rows).toEqual([{ n: 1 }])
})
