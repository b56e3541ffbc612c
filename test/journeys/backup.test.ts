/** A backup made beside a running server restores everything after a loss of data; a failed backup says why. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { SandboxServer } from '../../sandbox/sandbox-server.ts'
import { addAccount, backupHome, emailsOf, expectRefusal, invite, keyOf } from '../support/backup-home.ts'
import { newPostgresDatabase } from '../support/databases.ts'
import { apiKey, type RustyMail } from '../support/rustymail.ts'
import { enter } from '../support/signed-in.ts'

const root = join(import.meta.dirname, '../..')
const withToken = (server: RustyMail, token: string) =>
  fetch(server.url + api.accounts.listAccounts.path, { headers: { authorization: `Bearer ${token}` } })

/** Invites users one after the other until stopped; returns the successful ones, in order. */
function inviteMany(server: RustyMail, name: string) {
  const done: string[] = []
  let isAtEnd = false
  const work = async () => {
    while (!isAtEnd && done.length < 400) {
      const email = `${name}-${done.length}@example.com`
      await invite(server, email)
      done.push(email)
    }
  }
  const ended = work()
  const stop = () => {
    isAtEnd = true
    return ended
  }
  return { done, stop }
}

test('with the server killed and its data directory destroyed, a backup made under load brings everything back', async () => {
  const { dataDir, database, destroy, place, run, runProgram, start } = backupHome()
  const sandbox = new SandboxServer()
  const mail = await sandbox.start()
  onTestFinished(() => sandbox.stop())
  const first = await start()
  const imap = { host: mail.host, port: mail.imapPort, tls: 'none', user: mail.user, password: mail.password }
  await first.call(api.accounts.createAccount, { body: { email: mail.email, imap } })
  const cookie = await enter(first.url)
  const asked = await fetch(first.url + api.tokens.createToken.path, {
    method: 'POST',
    headers: { origin: first.url, cookie, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'a script', scopes: ['dashboard:read'], accounts: [] }),
  })
  const { token: secret } = api.tokens.createToken.response.parse(await asked.json())

  const load = [inviteMany(first, 'a'), inviteMany(first, 'b')]
  await expect.poll(() => load.every(({ done }) => done.length > 3)).toBe(true)
  const before = load.map(({ done }) => [...done])
  const file = place('backup.db')
  const made = await runProgram(['backup', file])
  const during = load.map(({ done }, at) => done.length - before[at]!.length)
  await Promise.all(load.map(({ stop }) => stop()))
  expect(made).toMatchObject({ code: 0, stderr: '' })
  expect(made.stdout).toMatch(
    / 1 account, 1 token, \d+ entries of the audit trail, .* was verified after writing .*\nIt contains the secret key/,
  )
  expect(Math.min(...during)).toBeGreaterThan(0)
  expect([statSync(file).mode & 0o777, readdirSync(place('.')).sort()]).toEqual([0o600, ['backup.db', 'data']])
  const key = readFileSync(join(dataDir, 'secret.key'), 'utf8').trim()
  const epoch = async (server: RustyMail) => (await server.call(api.events.getStreamHealth)).log?.epoch
  const epochBefore = await epoch(first)

  await first.stop('SIGKILL')
  destroy()
  const restored = await runProgram(['restore', file])
  expect(restored).toMatchObject({ code: 0, stderr: '' })
  expect(restored.stdout).toContain('The audit trail is intact up to there and records the restore.')
  const verified = await run(['audit', 'verify'])
  expect(verified).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^The audit trail is intact: it has \d+ entries,/),
  })
  expect(readFileSync(join(dataDir, 'secret.key'), 'utf8').trim()).toBe(key)
  // The key is in its own file only, not in a free page of the database.
  expect(readFileSync(file).includes(key)).toBe(true)
  expect(readFileSync(database).includes(key)).toBe(false)
  for (const name of readdirSync(dataDir)) expect([name, statSync(join(dataDir, name)).mode & 0o077]).toEqual([name, 0])

  const second = await start()
  const emails = await emailsOf(second)
  for (const [at, { done }] of load.entries()) {
    const kept = done.map(email => emails.includes(email))
    // Everything before the backup is kept; of what was done during it, nothing later without what was earlier.
    expect(kept.slice(0, before[at]!.length)).not.toContain(false)
    expect(kept.slice(kept.indexOf(false)).includes(true)).toBe(!kept.includes(false))
  }
  const states = async () => (await second.call(api.accounts.listAccounts)).items.map(({ state }) => state)
  await expect.poll(states).toEqual(['ready'])
  expect((await withToken(second, secret)).status).toBe(200)
  // Sessions are not restored, since they may have been ended after the backup.
  const session = await fetch(second.url + api.access.getSession.path, { headers: { cookie } })
  expect(session.status).toBe(401)
  expect((await enter(second.url)).length).toBeGreaterThan(0)
  // Event numbers that were assigned after the backup are not mistaken for current ones.
  expect(epochBefore).toMatch(/^[0-9a-f]{8}$/)
  expect(await epoch(second)).not.toBe(epochBefore)
  expect(await second.call(api.audit.verifyAudit)).toMatchObject({ is_whole: true })
  const { items } = await second.call(api.audit.listAudit, { query: { operation: 'cli.' } })
  expect(items.map(({ operation }) => operation)).toEqual(['cli.restoreBackup'])
})

test('without the key in it a backup opens with the key alone, whether from a file or the environment', async () => {
  const { dataDir, destroy, place, names, run, runProgram, start, startHere } = backupHome()
  const server = await start()
  await addAccount(server)
  const file = place('backup.db')
  const made = await run(['backup', file, '--without-key'])
  expect(made).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('The secret key is not in it: keep it elsewhere'),
  })
  await server.stop()
  const key = readFileSync(join(dataDir, 'secret.key'), 'utf8').trim()
  expect(readFileSync(file).includes(key)).toBe(false)
  copyFileSync(join(dataDir, 'secret.key'), place('key'))
  writeFileSync(place('other'), `${keyOf(5)}\n`)
  destroy()

  expectRefusal(await runProgram(['restore', file]), 'made without the secret key')
  expectRefusal(await run(['restore', file, '--key-from', place('none')]), 'there is no file')
  expectRefusal(await run(['restore', file, '--key-from', place('other')]), 'is not the one that sealed')
  expectRefusal(
    await run(['restore', file], { RUSTYMAIL_SECRET_KEY: keyOf(5) }),
    'the secret key of RUSTYMAIL_SECRET_KEY is not',
  )
  expect(names()).toEqual([])
  expect(await run(['restore', file], { RUSTYMAIL_SECRET_KEY: key })).toMatchObject({ code: 0 })
  expect(names()).toEqual(['audit.head', 'rustymail.db'])
  expect(await run(['audit', 'verify'], { RUSTYMAIL_SECRET_KEY: key })).toMatchObject({ code: 0 })
  // A key of the environment is never written into a backup.
  const another = await run(['backup', place('another.db')], { RUSTYMAIL_SECRET_KEY: key })
  expect(another.stdout).toContain('not in it, since it comes from RUSTYMAIL_SECRET_KEY')
  expect(readFileSync(place('another.db')).includes(key)).toBe(false)
  destroy()
  expect(await run(['restore', file, '--key-from', place('key')])).toMatchObject({ code: 0 })
  expect(readFileSync(join(dataDir, 'secret.key'), 'utf8').trim()).toBe(key)
  expect((await (await startHere()).call(api.accounts.listAccounts)).items).toHaveLength(1)
})

test('a backup that cannot be made says why in one line, and leaves nothing behind and all as it was', async () => {
  const { dataDir, database, place, run, start } = backupHome()
  const file = place('backup.db')
  expectRefusal(await run(['backup', file]), 'there is no secret.key')
  expectRefusal(await run(['backup', file], { RUSTYMAIL_SECRET_KEY: keyOf(5) }), `there is no database at ${database}`)
  const server = await start()
  await addAccount(server)
  const bytes = readFileSync(join(dataDir, 'secret.key'))
  expectRefusal(await run(['backup', file], { RUSTYMAIL_SECRET_KEY: keyOf(5) }), 'the secret key is not the one')
  expectRefusal(await run(['backup', place('missing/backup.db')]), 'ENOENT')
  mkdirSync(place('folder'))
  expectRefusal(await run(['backup', place('folder')]), 'is not a file')
  for (const own of [database, join(dataDir, 'secret.key'), `${database}-wal`]) {
    expectRefusal(await run(['backup', own, '--force']), 'is in use by RustyMail')
  }
  expect(readFileSync(join(dataDir, 'secret.key'))).toEqual(bytes)
  writeFileSync(file, 'an earlier one')
  expectRefusal(await run(['backup', file]), 'already exists')

  // Limits files to 64 blocks of 512 bytes, as if the disk were full after that.
  const small = spawn(
    'sh',
    ['-c', 'ulimit -f 64; exec "$0" bin/rustymail.js backup "$1" --force', process.execPath, file],
    {
      cwd: root,
      env: { PATH: process.env.PATH, RUSTYMAIL_DATA_DIR: dataDir },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  let said = ''
  small.stderr.on('data', (chunk: Buffer) => {
    said += chunk
  })
  expect(await once(small, 'close')).toEqual([1, null])
  expect(said).toMatch(/^Failed: the backup backup\.db could not be written in [^\n]+\n$/)
  expect(readFileSync(file, 'utf8')).toBe('an earlier one')
  expect(readdirSync(place('.')).sort()).toEqual(['backup.db', 'data', 'folder'])
  expect(await run(['backup', file, '--force'])).toMatchObject({ code: 0 })
  expect(readdirSync(place('.')).sort()).toEqual(['backup.db', 'data', 'folder'])
})

test('for a database in memory, and for PostgreSQL, it is said what to use instead', async () => {
  const { place, run, runProgram } = backupHome()
  const memory = { RUSTYMAIL_DATABASE_URL: 'sqlite::memory:' }
  const postgresUrl = inject('postgresUrl')
  const url = postgresUrl === undefined ? 'postgres://127.0.0.1:1/none' : await newPostgresDatabase(postgresUrl)
  for (const command of ['backup', 'restore']) {
    expectRefusal(await run([command, place('b.db')], memory), 'the database is in memory')
    const tool = command === 'backup' ? 'pg_dump' : 'pg_restore'
    expectRefusal(await run([command, place('b.db')], { RUSTYMAIL_DATABASE_URL: url }), tool)
  }
  const named = await runProgram(['backup'])
  expect([named.code, named.stderr]).toEqual([78, expect.stringContaining('backup requires one file name')])
})

test('a server makes backups by itself, a restart makes none too many, and each of them can be restored', async () => {
  const { destroy, place, run, start, startHere } = backupHome({ RUSTYMAIL_BACKUP_DIR: '' })
  const scheduled = { RUSTYMAIL_BACKUP_DIR: place('backups'), RUSTYMAIL_BACKUP_EVERY_HOURS: '1' }
  const first = await start(scheduled)
  await expect.poll(() => first.log()).toContain('"msg":"a backup was made"')
  const files = () => readdirSync(place('backups'))
  expect(files()).toEqual([expect.stringMatching(/^rustymail-00000001-\d{8}T\d{6}Z\.db$/)])
  expect(statSync(place('backups')).mode & 0o777).toBe(0o700)
  expect((await first.stop()).code).toBe(0)
  const second = await start(scheduled)
  expect((await fetch(`${second.url}/health/live`, { headers: { authorization: `Bearer ${apiKey}` } })).status).toBe(
    200,
  )
  await second.stop()
  expect(files()).toHaveLength(1)
  destroy()
  expect(await run(['restore', join(place('backups'), files()[0]!)])).toMatchObject({ code: 0 })
  expect(await emailsOf(await startHere())).toEqual(['admin@example.com'])
})
