/** An open database whose files disappear rejects writes until they are back. */
import { copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sql } from 'kysely'
import { expect, onTestFinished, test } from 'vitest'
import { writeMigratedFile } from '../../../test/support/migrated-file.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { openDatabase } from './database.ts'
import { DatabaseRemoved } from './database-fault.ts'
import { DatabaseHealth, LiveFile } from './database-health.ts'

async function openOnDisk() {
  const dir = tempDir('live-file')
  onTestFinished(() => dir.remove())
  const file = join(dir.path, 'data', 'one.db')
  mkdirSync(dirname(file))
  await writeMigratedFile(file)
  const health = new DatabaseHealth()
  const db = openDatabase(`sqlite:${file}`, health)
  onTestFinished(() => db.destroy())
  const write = (value: string) => db.insertInto('settings').values({ name: value, value, updated_at: 'now' }).execute()
  return { dir: dir.path, file, db, health, write }
}

for (const [what, take] of [
  ['the directory is removed', file => rmSync(dirname(file), { recursive: true })],
  ['the directory is moved away', file => renameSync(dirname(file), `${dirname(file)}-moved`)],
  ['the file is removed', file => rmSync(file)],
  ['the write-ahead log is removed', file => rmSync(`${file}-wal`)],
  [
    'the file is replaced by a copy',
    file => {
      copyFileSync(file, `${file}.copy`)
      renameSync(`${file}.copy`, file)
    },
  ],
] as [string, (file: string) => void][]) {
  test(`when ${what} nothing more is written, in a transaction or outside, and reading goes on`, async () => {
    const { file, db, health, write } = await openOnDisk()
    await write('before')
    expect(health.fault).toBeUndefined()
    const half = db.transaction().execute(async transaction => {
      await transaction.insertInto('settings').values({ name: 'half', value: '1', updated_at: 'now' }).execute()
      take(file)
      await expect.poll(() => health.fault?.kind).toBe('removed')
    })
    await expect(half).rejects.toThrow(DatabaseRemoved)
    await expect(write('after')).rejects.toThrow(DatabaseRemoved)
    expect(health.writeFailures).toBe(2)
    const { rows } = await sql<{ name: string }>`select name from settings`.execute(db)
    expect(rows.map(({ name }) => name)).toEqual(['before'])
  })
}

test('what was moved away and is put back takes writes again', async () => {
  const { dir, health, write } = await openOnDisk()
  renameSync(join(dir, 'data'), join(dir, 'elsewhere'))
  await expect.poll(() => health.fault?.kind).toBe('removed')
  renameSync(join(dir, 'elsewhere'), join(dir, 'data'))
  await expect.poll(() => health.fault).toBeUndefined()
  await write('again')
})

test('it looks four times a second at most', async () => {
  const { file } = await openOnDisk()
  let now = 0
  const live = new LiveFile(file, () => now)
  rmSync(file)
  now = 249
  expect(live.isThere).toBe(true)
  now = 250
  expect(live.isThere).toBe(false)
})

test('a statement that could not open the files makes the next write look again', async () => {
  const { file } = await openOnDisk()
  const health = new DatabaseHealth()
  health.opened(new LiveFile(file, () => 0))
  rmSync(file)
  expect(() => health.beforeWrite()).not.toThrow()
  health.failed(
    Object.assign(new Error('unable to open database file'), { code: 'ERR_SQLITE_ERROR', errcode: 14 }),
    false,
  )
  expect(() => health.beforeWrite()).toThrow(DatabaseRemoved)
})
