/** Files of test PostgreSQLs: those of ended runs are removed, those of live runs never are. */
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeHome, removeLeftBehind } from './support/postgres-setup.ts'
import { tempDir } from './support/temp-dir.ts'

/** Larger than any process id. */
const gone = 2 ** 22 + 1

function place() {
  const dir = tempDir('left-behind')
  onTestFinished(() => dir.remove())
  /** @param server First line of the pid file, by which a PostgreSQL server names its process. */
  const add = (name: string, { server, isOld = true }: { server?: string; isOld?: boolean } = {}) => {
    const home = join(dir.path, name)
    mkdirSync(join(home, 'data'), { recursive: true })
    if (server !== undefined) writeFileSync(join(home, 'data/postmaster.pid'), `${server}\n/data\n`)
    if (isOld) utimesSync(home, 0, 0)
    return home
  }
  return { path: dir.path, add }
}

test('what belongs to a run that goes on stays, whatever initdb has made of it so far', () => {
  const { path, add } = place()
  const made = makeHome(path)
  utimesSync(made, 0, 0)
  const homes = [
    made,
    add(`rustymail-postgres-${process.pid}-a`),
    // Between two steps of initdb, and within one, which runs single-user servers.
    add(`rustymail-postgres-${process.pid}-b`, { server: String(gone) }),
    add(`rustymail-postgres-${process.pid}-c`, { server: `-${gone}` }),
    add(`rustymail-postgres-${process.pid}-d`, { server: '' }),
    // The run was killed, and its server goes on.
    add(`rustymail-postgres-${gone}-e`, { server: String(process.pid) }),
    add(`rustymail-postgres-${gone}-f`, { server: `-${process.pid}` }),
    // Its name holds no process id.
    add('rustymail-postgres-AbC123', { isOld: false, server: `-${gone}` }),
    add('rustymail-postgres-AbC124', { server: String(process.pid) }),
    add('something-else'),
  ]
  removeLeftBehind(path)
  expect(homes.filter(home => !existsSync(home))).toEqual([])
})

test('what a killed run left is removed', () => {
  const { path, add } = place()
  const homes = [
    add(`rustymail-postgres-${gone}-a`, { isOld: false }),
    add(`rustymail-postgres-${gone}-b`, { server: String(gone) }),
    add(`rustymail-postgres-${gone}-c`, { server: `-${gone}` }),
    add(`rustymail-postgres-${gone}-d`, { server: '' }),
    add('rustymail-postgres-AbC123', { server: String(gone) }),
    add('rustymail-postgres-AbC124'),
  ]
  removeLeftBehind(path)
  expect(homes.filter(home => existsSync(home))).toEqual([])
})
