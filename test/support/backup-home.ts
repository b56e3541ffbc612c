/** A data directory for backup journeys, in a parent directory with room for backups, and what the tests do with it. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { api } from '../../contract/index.ts'
import { type Ended, runCommand, runCommandHere, spawnCommand } from './run-command.ts'
import { type Served, startHere, startRustyMail } from './rustymail.ts'
import { tempDir } from './temp-dir.ts'

/** A secret key of 32 equal bytes. */
export const keyOf = (fill: number) => Buffer.alloc(32, fill).toString('base64')

export function backupHome(environment: Record<string, string> = {}) {
  const dir = tempDir('backup')
  onTestFinished(() => dir.remove())
  const dataDir = join(dir.path, 'data')
  const around = { RUSTYMAIL_RATE_LIMIT: '100000000', ...environment }
  return {
    dataDir,
    database: join(dataDir, 'rustymail.db'),
    place: (name: string) => join(dir.path, name),
    /** Names of the files in the data directory. */
    names: () => (existsSync(dataDir) ? readdirSync(dataDir).sort() : []),
    destroy: () => rmSync(dataDir, { recursive: true, force: true }),
    run: (words: string[], change: Record<string, string> = {}) =>
      runCommandHere(words, { dataDir, environment: { ...around, ...change } }),
    /** Runs a command in a process of its own. */
    runProgram: (words: string[]) => runCommand(words, { dataDir, environment: around }),
    spawn: (words: string[]) => spawnCommand(words, { dataDir, environment: around }),
    /** Starts the server in a process of its own, beside which a command can run in this process. */
    start: (change: Record<string, string> = {}) => startRustyMail({ dataDir, environment: { ...around, ...change } }),
    /** Starts the server in this process, where no command may run beside it. */
    startHere: () => startHere({ dataDir, environment: around }),
  }
}

export function expectRefusal({ code, stdout, stderr }: Ended, words: string): void {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^Failed: [^\n]+\n$/)
  expect(stderr).toContain(words)
}

export async function addAccount(server: Served): Promise<void> {
  const imap = { host: '127.0.0.1', port: 1, tls: 'none', user: 'ann', password: 'a secret word' }
  const body = { email: 'ann@example.com', imap, enabled: false }
  await server.call(api.accounts.createAccount, { query: { verify: 'false' }, body })
}

export async function invite(server: Served, email: string): Promise<void> {
  await server.call(api.users.inviteUser, { body: { email, name: 'Somebody', role: 'viewer', accounts: [] } })
}

export const emailsOf = async (server: Served) =>
  (await server.call(api.users.listUsers)).items.map(({ email }) => email)
