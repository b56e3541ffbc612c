/** A database that a start cannot use is named, with the reason and the way out, and without its password. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { tempDir } from '../test/support/temp-dir.ts'
import { databasePart } from './database-part.ts'
import { openServerDatabase } from './platform/database/database.ts'
import { DatabaseHealth } from './platform/database/database-health.ts'
import { namingDatabase } from './platform/database/database-name.ts'
import { createLogger } from './platform/logger.ts'

async function refusedStart(url: string): Promise<string> {
  const db = openServerDatabase({ url, observer: new DatabaseHealth(), died: () => undefined })
  const part = databasePart({ db, url, logger: createLogger('silent'), lost: () => undefined })
  onTestFinished(async () => part.stop?.())
  return Promise.resolve(part.start?.()).then(
    () => 'started',
    (error: Error) => error.message,
  )
}

test('a file that is no database, or no file', async () => {
  const dir = tempDir()
  onTestFinished(() => dir.remove())
  const file = join(dir.path, 'mail.db')
  writeFileSync(file, 'This is no database, however long it is. '.repeat(500))
  expect(await refusedStart(`sqlite:${file}`)).toMatch(
    `the database ${file} cannot be used: file is not a database. It must be an SQLite database`,
  )
  mkdirSync(join(dir.path, 'other'))
  const words = await refusedStart(`sqlite:${join(dir.path, 'other')}`)
  expect(words).toContain(`the database ${join(dir.path, 'other')} cannot be used: unable to open database file. `)
  expect(words).toContain('set RUSTYMAIL_DATABASE_URL')
})

test('a PostgreSQL that is not there, by name or by address', async () => {
  // A name with several addresses fails with an error that has no words of its own.
  for (const host of ['localhost', '127.0.0.1']) {
    const words = await refusedStart(`postgres://ann:secret-word@${host}:1/mail`)
    expect(words).toContain(
      `the PostgreSQL database ${host}:1/mail cannot be used: nothing listens there (ECONNREFUSED)`,
    )
    expect(words).toContain('RUSTYMAIL_DATABASE_URL')
    expect(words).not.toContain('secret-word')
  }
})

test('a disk that is full is told as that, with no doubt about the database', async () => {
  // As SQLite and PostgreSQL say it.
  for (const [url, error] of [
    ['sqlite:/mail.db', { code: 'ERR_SQLITE_ERROR', errcode: 13 }],
    ['postgres://ann@db.example/mail', { code: '53100' }],
  ] as const) {
    const full = Object.assign(new Error('the disk is full'), error)
    const named = namingDatabase(url, () => Promise.reject(full))
    await expect(named).rejects.toThrow(/ cannot be used: the disk is full\. Make room on its disk, and start again$/)
  }
})
