/** Runs a store's suite on SQLite and on PostgreSQL, each test on an empty, migrated database of its own. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { type RawBuilder, sql } from 'kysely'
import { describe, inject, onTestFinished } from 'vitest'
import { migrations } from '../../server/migrations.ts'
import {
  type Database,
  openDatabase,
  openServerDatabase,
  type ServerDatabaseOptions,
} from '../../server/platform/database/database.ts'
import { DatabaseHealth } from '../../server/platform/database/database-health.ts'
import { migrate } from '../../server/platform/database/migrate.ts'
import { demandDatabaseThreads } from './hosted-threads.ts'
import { writeMigratedFile } from './migrated-file.ts'
import { keptPrefix } from './postgres-setup.ts'
import { tempDir } from './temp-dir.ts'

type OpenDatabase = () => Promise<Database>

/** @param suite `openEmpty`: not migrated yet. */
type Suite = (open: OpenDatabase, url: () => Promise<string>, openEmpty: OpenDatabase) => void

export function onEachDatabase(suite: Suite): void {
  describe('on SQLite', () => {
    const url = async () => `sqlite:${join(await testDir(), 'test.db')}`
    suite(memoryDatabase, url, emptyOpener(url))
  })
  const postgresUrl = inject('postgresUrl')
  describe.skipIf(postgresUrl === undefined)('on PostgreSQL', () => {
    keptDatabases ??= new KeptDatabases(postgresUrl!)
    const kept = keptDatabases
    const url = () => newPostgresDatabase(postgresUrl!)
    suite(() => kept.open(), url, emptyOpener(url))
  })
}

/** As a server has it; for suites about the database itself, since threads take longer to start than most tests. */
export function onThreads(suite: Suite): void {
  describe('on SQLite in threads', () => {
    const url = async () => `sqlite:${join(await testDir(), 'test.db')}`
    const openEmpty = async () => (await openOnThreads({ url: await url() })).db
    suite(async () => (await openOnThreads()).db, url, openEmpty)
  })
}

/** Migrated unless it has an address of its own; closed when the test ends. */
export async function openOnThreads(options: Partial<ServerDatabaseOptions> & { url?: string } = {}) {
  demandDatabaseThreads()
  const { url = `sqlite:${await migratedFile()}`, ...others } = options
  const health = new DatabaseHealth()
  const deaths: Error[] = []
  const db = openServerDatabase({ url, observer: health, died: error => void deaths.push(error), ...others })
  onTestFinished(() => db.destroy())
  return { db, health, deaths, file: url.slice('sqlite:'.length) }
}

function emptyOpener(url: () => Promise<string>): OpenDatabase {
  return async () => {
    const db = openDatabase(await url())
    onTestFinished(() => db.destroy())
    return db
  }
}

/** On SQLite, migrated, and in memory where the other files of tests are: for tests that are about something else than the database. */
export async function memoryDatabase(): Promise<Database> {
  const file = await migratedFile()
  return emptyOpener(async () => `sqlite:${file}`)()
}

async function migratedFile(): Promise<string> {
  const file = join(await testDir(), 'test.db')
  await writeMigratedFile(file)
  return file
}

/** An empty database of its own for a test; dropped when it ends. */
export async function newPostgresDatabase(serverUrl: string): Promise<string> {
  const { url, drop } = await createPostgresDatabase(serverUrl)
  onTestFinished(drop)
  return url
}

export async function createPostgresDatabase(serverUrl: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`
  return {
    url: await createDatabase(serverUrl, name),
    drop: () => onServer(serverUrl, sql`drop database if exists ${sql.id(name)} with (force)`),
  }
}

/** For all tests of a process that know how to leave it as it was; see `postgres-setup.ts`. */
export function createKeptDatabase(serverUrl: string): Promise<string> {
  return createDatabase(serverUrl, `${keptPrefix(process.ppid)}${randomBytes(6).toString('hex')}`)
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await onServer(serverUrl, sql`create database ${sql.id(name)}`)
  return Object.assign(new URL(serverUrl), { pathname: `/${name}` }).toString()
}

async function onServer(serverUrl: string, statement: RawBuilder<unknown>): Promise<void> {
  const server = openDatabase(serverUrl)
  await statement.execute(server).finally(() => server.destroy())
}

/** To make, migrate and drop a database costs far more than most tests on it do; so the next test gets it, as it was at first. */
class KeptDatabases {
  readonly #serverUrl: string
  /** Nobody has them now. */
  readonly #free: string[] = []

  constructor(serverUrl: string) {
    this.#serverUrl = serverUrl
  }

  /** For one test; for another when it ends. */
  async open(): Promise<Database> {
    const kept = this.#free.pop()
    const url = kept ?? (await createKeptDatabase(this.#serverUrl))
    const db = openDatabase(url)
    onTestFinished(async () => {
      await db.destroy()
      this.#free.push(url)
    })
    if (kept === undefined) await migrate(db, migrations)
    await sql.raw(kept === undefined ? keepRows : resetRows).execute(db)
    return db
  }
}

/** Files that share a process share them; gone with PostgreSQL, or at the end of all tests (`postgres-setup.ts`). */
let keptDatabases: KeptDatabases | undefined

const forEachTable = (statement: string) => `
  for name in select quote_ident(tablename) from pg_tables where schemaname = 'public' loop
    execute ${statement};
  end loop;`
/** What a migration writes is there from the first. */
const keepRows = `do $$ declare name text; begin
  create schema at_first;
  ${forEachTable(`'create table at_first.' || name || ' as table public.' || name`)}
end $$`
/** Truncating makes and removes files, which takes ten times as long where there are few rows. */
const resetRows = `do $$ declare name text; begin
  ${forEachTable(`'delete from public.' || name`)}
  ${forEachTable(`'insert into public.' || name || ' table at_first.' || name`)}
end $$`

async function testDir(): Promise<string> {
  const dir = await tempDir()
  onTestFinished(() => dir.remove())
  return dir.path
}
