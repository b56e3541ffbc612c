/** A migrated SQLite file: writing a copy costs a hundredth of running the 24 migrations. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { migrations } from '../../server/migrations.ts'
import { openDatabase } from '../../server/platform/database/database.ts'
import { migrate } from '../../server/platform/database/migrate.ts'
import { tempDir } from './temp-dir.ts'

let made: Promise<Buffer> | undefined

/** Writes a database as a server leaves it that ran all migrations and nothing else. An existing file is kept. */
export async function writeMigratedFile(path: string): Promise<void> {
  made ??= makeFile()
  const bytes = await made
  if (!existsSync(path)) writeFileSync(path, bytes, { mode: 0o600, flag: 'wx' })
}

/** Prepares a migrated data directory for a server. An existing one is kept. */
export async function prepareDataDir(path: string): Promise<void> {
  if (existsSync(path)) return
  mkdirSync(path, { recursive: true, mode: 0o700 })
  await writeMigratedFile(join(path, 'rustymail.db'))
}

async function makeFile(): Promise<Buffer> {
  const dir = tempDir('migrated')
  const file = join(dir.path, 'test.db')
  try {
    const db = openDatabase(`sqlite:${file}`)
    await migrate(db, migrations).finally(() => db.destroy())
    return readFileSync(file)
  } finally {
    dir.remove()
  }
}
