/** Runs a store's suite on SQLite and on PostgreSQL, each test on an empty, migrated database of its own. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, inject, onTestFinished } from 'vitest'
import { type Database, migrate, openDatabase } from '../../server/platform/database/database.ts'
import { tempDir } from './temp-dir.ts'

type OpenDatabase = () => Promise<Database>

export function onEachDatabase(suite: (open: OpenDatabase, url: () => Promise<string>) => void): void {
  describe('on SQLite', () => {
    const url = async () => `sqlite:${join(await testDir(), 'test.db')}`
    suite(opener(url), url)
  })
  const postgresUrl = inject('postgresUrl')
  describe.skipIf(postgresUrl === undefined)('on PostgreSQL', () => {
    const url = () => newPostgresDatabase(postgresUrl!)
    suite(opener(url), url)
  })
}

/** In memory, for tests that are about something else than the database. */
export async function memoryDatabase(): Promise<Database> {
  return opener(async () => 'sqlite::memory:')()
}

function opener(url: () => Promise<string>): OpenDatabase {
  return async () => {
    const db = openDatabase(await url())
    onTestFinished(() => db.destroy())
    await migrate(db)
    return db
  }
}

/** An empty database of its own for a test; dropped when it ends. */
export async function newPostgresDatabase(serverUrl: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const server = openDatabase(serverUrl)
  await sql`create database ${sql.id(name)}`.execute(server)
  await server.destroy()
  onTestFinished(async () => {
    const again = openDatabase(serverUrl)
    await sql`drop database if exists ${sql.id(name)} with (force)`.execute(again)
    await again.destroy()
  })
  return Object.assign(new URL(serverUrl), { pathname: `/${name}` }).toString()
}

async function testDir(): Promise<string> {
  const dir = await tempDir()
  onTestFinished(() => dir.remove())
  return dir.path
}
