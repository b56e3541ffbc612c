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

/** @param suite `openEmpty` opens a database that is not migrated yet. */
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

/**
 * Runs a suite on database threads as a server has them; only for suites about the database itself, since threads take
 * longer to start than most tests run.
 */
export function onThreads(suite: Suite): void {
  describe('on SQLite in threads', () => {
    const url = async () => `sqlite:${join(await testDir(), 'test.db')}`
    const openEmpty = async () => (await openOnThreads({ url: await url() })).db
    suite(async () => (await openOnThreads()).db, url, openEmpty)
  })
}

/** Opens a database on threads, migrated unless `url` is given; closed when the test ends. */
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

/** Opens a migrated SQLite database in the tests' in-memory directory, for tests whose subject is not the database. */
export async function memoryDatabase(): Promise<Database> {
  const file = await migratedFile()
  return emptyOpener(async () => `sqlite:${file}`)()
}

async function migratedFile(): Promise<string> {
  const file = join(await testDir(), 'test.db')
  await writeMigratedFile(file)
  return file
}

/** Creates an empty database for a test; dropped when it ends. */
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

/** Creates a database for all tests of a process that know how to restore it; see `postgres-setup.ts`. */
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

/**
 * Databases that tests reuse: creating, migrating and dropping one costs far more than most tests on it, so it is reset
 * for the next test instead.
 */
class KeptDatabases {
  readonly #serverUrl: string
  /** Databases that no test uses now. */
  readonly #free: string[] = []

  constructor(serverUrl: string) {
    this.#serverUrl = serverUrl
  }

  /** Opens a database for one test; it is reset for another when the test ends. */
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

/**
 * The kept databases, shared by the files of a process; dropped with PostgreSQL or at the end of all tests
 * (`postgres-setup.ts`).
 */
let keptDatabases: KeptDatabases | undefined

const forEachTable = (statement: string) => `
  for name in select quote_ident(tablename) from pg_tables where schemaname = 'public' loop
    execute ${statement};
  end loop;`
/** Saves the rows that migrations wrote, so that a reset can restore them. */
const keepRows = `do $$ declare name text; begin
  create schema at_first;
  ${forEachTable(`'create table at_first.' || name || ' as table public.' || name`)}
end $$`
/** Deletes and restores rows. Truncating recreates files, which takes ten times as long for few rows. */
const resetRows = `do $$ declare name text; begin
  ${forEachTable(`'delete from public.' || name`)}
  ${forEachTable(`'insert into public.' || name || ' table at_first.' || name`)}
end $$`

async function testDir(): Promise<string> {
  const dir = await tempDir()
  onTestFinished(() => dir.remove())
  return dir.path
}
