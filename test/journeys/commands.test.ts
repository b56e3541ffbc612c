/** What the command line does besides serving: an administrator, the audit trail, another key. */
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { TOTP } from 'otpauth'
import { expect, onTestFinished, test } from 'vitest'
import { SignInAnswer } from '../../contract/access.ts'
import type { Endpoint } from '../../contract/endpoint.ts'
import { api } from '../../contract/index.ts'
import { SandboxServer } from '../../sandbox/sandbox-server.ts'
import { openDatabase } from '../../server/platform/database/database.ts'
import { SecretBox } from '../../server/platform/secret-box.ts'
import { onEachDatabase } from '../support/databases.ts'
import { type Ended, runCommand, runCommandHere, spawnCommand } from '../support/run-command.ts'
import { type RustyMail, spawnRustyMail, startHere, startRustyMail } from '../support/rustymail.ts'
import { administrator, enter } from '../support/signed-in.ts'
import { tempDir } from '../support/temp-dir.ts'

const keyOf = (fill: number) => Buffer.alloc(32, fill).toString('base64')

/** Returns the program and its commands on one data directory and one database. */
async function home({ databaseUrl, ...more }: Record<string, string> & { databaseUrl?: string } = {}) {
  const dir = tempDir('commands')
  onTestFinished(() => dir.remove())
  const dataDir = join(dir.path, 'data')
  const url = databaseUrl ?? `sqlite:${join(dataDir, 'rustymail.db')}`
  const environment = { RUSTYMAIL_DATABASE_URL: url, ...more }
  const file = (name: string) => join(dataDir, name)
  return {
    dataDir,
    environment,
    file,
    keyFile: () => readFileSync(file('secret.key'), 'utf8').trim(),
    run: (words: string, input = '', change: Record<string, string> = {}) =>
      runCommandHere(words.split(' '), { dataDir, input, environment: { ...environment, ...change } }),
    /** Runs the real program: once for each command and each of its outcomes, so on one of the databases only. */
    runProgram: (words: string, input = '') =>
      url.startsWith('sqlite:')
        ? runCommand(words.split(' '), { dataDir, input, environment })
        : runCommandHere(words.split(' '), { dataDir, input, environment }),
    /** Runs a command beside a server of this process. */
    runBeside: (words: string, input = '') => runCommand(words.split(' '), { dataDir, input, environment }),
    start: (change: Record<string, string> = {}) => startHere({ dataDir, environment: { ...environment, ...change } }),
    /** Starts the server in a process of its own, beside which a command can run in this one. */
    startProgram: () => startRustyMail({ dataDir, environment }),
    /** Returns why the server does not start. */
    startInVain: async (change: Record<string, string> = {}): Promise<string> =>
      startHere({ dataDir, environment: { ...environment, ...change } }).then(
        () => 'it started',
        (error: Error) => error.message,
      ),
    /** Returns the exit code and the output of the program. */
    startProgramInVain: async (): Promise<string> => {
      const { child, log } = spawnRustyMail({ dataDir, environment })
      onTestFinished(() => void child.kill('SIGKILL'))
      const code = await new Promise(resolve => child.once('close', resolve))
      return `${code}: ${log()}`
    },
  }
}

/** Adds a disabled account, so that there is a sealed secret. */
async function addAccount(run: Pick<RustyMail, 'call'>): Promise<void> {
  const imap = { host: '127.0.0.1', port: 1, tls: 'none', user: 'ann', password: 'a secret word' }
  const body = { email: 'ann@example.com', imap, enabled: false }
  await run.call(api.accounts.createAccount, { query: { verify: 'false' }, body })
}

/** Calls an endpoint as a browser with a session. */
async function asPerson<P, Q, B, R>(
  run: { url: string },
  endpoint: Endpoint<P, Q, B, R>,
  body?: B,
  cookie = '',
): Promise<R> {
  const answer = await fetch(run.url + endpoint.path, {
    method: endpoint.method,
    headers: { origin: run.url, cookie, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  if (!answer.ok) throw new Error(`${endpoint.path} answered ${answer.status}: ${await answer.text()}`)
  return endpoint.response.parse(await answer.json())
}

function expectOneLine({ code, stdout, stderr }: Ended, words: string): void {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  const said = stderr.replace('Password, at least 12 characters: \n', '')
  expect(said).toMatch(/^[^\n]+\n$/)
  expect(said).toContain(words)
}

onEachDatabase((_open, url) => {
  test('create-admin makes an administrator who signs in, and refuses in one clear line what cannot be', async () => {
    const { run, runProgram, runBeside, start, dataDir } = await home({ databaseUrl: await url() })
    const create = (email: string, password: string) =>
      runCommandHere(['user', 'create-admin', '--email', email, '--name', 'Ada Admin'], {
        dataDir,
        input: `${password}\n`,
      })
    const { email, password } = administrator
    expectOneLine(await create('nobody', password), 'the email is not an email address')
    expectOneLine(await create(email, 'short'), 'the password must have at least 12 characters')
    expect(readdirSync(dataDir).filter(name => /pid|lock|key/.test(name))).toEqual([])

    const words = `user create-admin --email ${email} --name Ada`
    expectOneLine(await run(words, 'password1234\n'), 'among the first that would be guessed')
    expectOneLine(await run(words, ''), 'there was no answer')
    const made = await runProgram(words, `${password}\n`)
    expect(made).toMatchObject({ code: 0, stdout: `${email} is now an administrator.\n` })
    const trail = await runProgram('audit verify')
    expect(trail.stdout).toMatch(/^The audit trail is intact: it has 1 entry, number 1\. It was started /)

    const server = await start()
    expect(server.setupLink).not.toContain('/setup#')
    const cookie = await enter(server.url)
    const { principal } = await asPerson(server, api.access.getSession, undefined, cookie)
    expect(principal).toMatchObject({ email, role: 'administrator' })
    const { items } = await server.call(api.audit.listAudit, { query: { operation: 'cli.' } })
    expect(items.map(item => [item.operation, item.principal_id, item.outcome])).toEqual([
      ['cli.createAdministrator', 'system', 'ok'],
    ])
    const refused = await runBeside(words, `${password}\n`)
    expectOneLine(refused, `another RustyMail (process ${process.pid}) is running`)
    expect(refused.stderr).not.toContain('Password')
  })

  test('audit verify finds the trail whole beside a running server, and names the entry that was tampered with', async () => {
    const { run, runProgram, startProgram, environment } = await home({ databaseUrl: await url() })
    const server = await startProgram()
    await addAccount(server)
    const whole = await run('audit verify')
    expect(whole).toMatchObject({ code: 0, stderr: '' })
    expect(whole.stdout).toMatch(
      /^The audit trail is intact: it has \d+ entries, from number 1 to \d+\. It was started 20[^\n]+Z\.\n$/,
    )

    const db = openDatabase(environment.RUSTYMAIL_DATABASE_URL)
    onTestFinished(() => db.destroy())
    await db.updateTable('audit_entries').set({ principal_name: 'Somebody else' }).where('number', '=', 2).execute()
    const changed = await runProgram('audit verify')
    expect(changed).toMatchObject({ code: 1, stderr: '' })
    expect(changed.stdout).toContain('tampered with: entry 2 is changed')
    // Later entries do not make the trail look intact again.
    await server.stop()
    expect(await run('audit verify')).toMatchObject({ code: 1 })
    // With another key neither this nor that it is intact can be verified.
    const key = { RUSTYMAIL_SECRET_KEY: keyOf(9) }
    expectOneLine(await run('audit verify', '', key), 'the secret key is not the one')
  })

  test('a trail that was wiped, cut or put back is never whole, on the command line and on the page, until that is accepted', async () => {
    const { run, runProgram, start, startProgram, file, environment } = await home({ databaseUrl: await url() })
    const first = await start()
    await addAccount(first)
    await first.stop()
    const db = openDatabase(environment.RUSTYMAIL_DATABASE_URL)
    onTestFinished(() => db.destroy())
    const ends = await db.selectFrom('audit_chain').selectAll().executeTakeFirstOrThrow()
    const server = await start()
    const body = { reads: 'mail', keep_days: 365, keep_entries: 1_000_000 } as const
    for (let more = 0; more < 3; more++) await server.call(api.audit.changeAuditSettings, { body })
    await server.stop()
    expect(await run('audit verify')).toMatchObject({ code: 0 })
    expect(await run('audit accept')).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to accept') })

    await db.deleteFrom('audit_entries').where('number', '>', ends.newest).execute()
    await db.updateTable('audit_chain').set(ends).execute()
    const cut = await run('audit verify')
    expect(cut).toMatchObject({ code: 1, stderr: '' })
    expect(cut.stdout).toMatch(
      /^The audit trail was tampered with: entry \d+ is missing: audit\.head of .* Somebody cut that off/,
    )
    const after = await startProgram()
    expect(await after.call(api.audit.verifyAudit)).toMatchObject({ is_whole: false, fault: { kind: 'missing' } })
    expectOneLine(await run('audit accept'), 'is running on this data directory')
    await after.stop()

    await db.deleteFrom('audit_entries').execute()
    await db.deleteFrom('audit_chain').execute()
    rmSync(file('audit.head'))
    const wiped = await run('audit verify')
    expect(wiped).toMatchObject({ code: 1, stderr: '' })
    expect(wiped.stdout).toMatch(/^The audit trail was tampered with\. There is no trail/)
    await (await start()).stop()
    expect(await run('audit verify')).toMatchObject({ code: 1 })
    const accepted = await runProgram('audit accept')
    expect(accepted).toMatchObject({ code: 0, stderr: '' })
    expect(await run('audit verify')).toMatchObject({ code: 0 })

    rmSync(file('audit.head'))
    const missing = await run('audit verify')
    expect(missing).toMatchObject({ code: 1, stderr: '' })
    expect(missing.stdout).toMatch(/^The integrity of the audit trail cannot be confirmed\. audit\.head is missing/)
    const last = await start()
    const { items } = await last.call(api.audit.listAudit, { query: { operation: 'cli.' } })
    expect(items.map(({ operation }) => operation)).toEqual(['cli.acceptTrail'])
    expect(await last.call(api.audit.verifyAudit)).toMatchObject({ fault: { kind: 'unconfirmed' } })
  })

  test('after key rotate passwords, second factors and the audit trail are as before, and the old key is refused', async () => {
    const { run, runProgram, start, startProgram, startInVain, keyFile, file } = await home({
      databaseUrl: await url(),
    })
    const sandbox = new SandboxServer()
    const access = await sandbox.start()
    onTestFinished(() => sandbox.stop())
    const first = await startProgram()
    const login = {
      host: access.host,
      port: access.imapPort,
      tls: 'none',
      user: access.user,
      password: access.password,
    }
    await first.call(api.accounts.createAccount, { body: { email: access.email, imap: login } })
    const cookie = await enter(first.url)
    const { password } = administrator
    const { secret } = await asPerson(first, api.profile.beginTotp, { current_password: password }, cookie)
    const authenticator = new TOTP({ secret })
    await asPerson(first, api.profile.confirmTotp, { code: authenticator.generate() }, cookie)
    expectOneLine(await run('key rotate'), 'is running on this data directory')
    await first.stop()

    const old = keyFile()
    expect(await runProgram('key rotate')).toMatchObject({
      code: 0,
      stdout: 'Re-encrypted with a new key: 2 secrets.\n',
      stderr: '',
    })
    expect(keyFile()).not.toBe(old)
    expect(existsSync(file('secret.key.next'))).toBe(false)
    expect(await run('audit verify')).toMatchObject({ code: 0 })
    const refused = await startInVain({ RUSTYMAIL_SECRET_KEY: old })
    expect(refused).toMatch(/^[^\n]*the secret key is not the one[^\n]*$/)

    const second = await start()
    const states = async () => (await second.call(api.accounts.listAccounts)).items.map(item => item.state)
    await expect.poll(states).toEqual(['ready'])
    // Each time step counts once, so the next one is used.
    const code = authenticator.generate({ timestamp: Date.now() + 30_000 })
    const asked = SignInAnswer.parse(
      await asPerson(second, api.access.openSession, { email: administrator.email, password }),
    )
    if (asked.status !== 'second_factor') throw new Error('nobody asked for the second factor')
    const session = await asPerson(second, api.access.giveSecondFactor, { challenge: asked.challenge, code })
    expect(session.principal.email).toBe(administrator.email)
    const { items } = await second.call(api.audit.listAudit, { query: { operation: 'cli.rotateKey' } })
    expect(items).toHaveLength(1)
  })
})

test('a key that is missing is said to be missing, and no other is put in its place', async () => {
  const { run, start, startProgramInVain, keyFile, file } = await home()
  await (await start()).stop()
  const key = keyFile()
  renameSync(file('secret.key'), file('kept'))
  const words = /^1: [^\n]*secret\.key is missing[^\n]*Restore it[^\n]*\n$/
  expect(await startProgramInVain()).toMatch(words)
  const { email, password } = administrator
  const created = await run(`user create-admin --email ${email} --name Ada`, `${password}\n`)
  expectOneLine(created, 'secret.key is missing')
  expectOneLine(await run('key rotate'), 'secret.key is missing')
  expectOneLine(await run('key rotate', '', { RUSTYMAIL_NEW_SECRET_KEY: keyOf(4) }), 'secret.key is missing')
  expect(readdirSync(file('.')).filter(name => name.includes('key'))).toEqual([])
  renameSync(file('kept'), file('secret.key'))
  await (await start()).stop()
  expect(keyFile()).toBe(key)
})

test('audit verify without anything to look at says so in one clear line', async () => {
  const { run } = await home()
  expectOneLine(await run('audit verify'), 'there is no secret.key')
})

test('a key rotate that was interrupted, wherever that was, is finished by running it again', async () => {
  const { run, start, startInVain, keyFile, file, dataDir, environment } = await home()
  const server = await start()
  await addAccount(server)
  await server.stop()
  const old = keyFile()

  // Killed as soon as the next key lies beside the old one; on a busy machine it may have finished by then.
  const { child, ended } = spawnCommand(['key', 'rotate'], { dataDir, environment })
  const hasBegun = () => existsSync(file('secret.key.next')) || keyFile() !== old
  await expect.poll(hasBegun, { interval: 1 }).toBe(true)
  child.kill('SIGKILL')
  await ended
  // Rotation succeeds however far it had come.
  expect((await run('key rotate')).code).toBe(0)
  await (await start()).stop()

  // Crashed after the next key was written and before anything else.
  const before = keyFile()
  writeFileSync(file('secret.key.next'), `${keyOf(5)}\n`)
  await (await start()).stop()
  expectOneLine(await run('key rotate', '', { RUSTYMAIL_NEW_SECRET_KEY: keyOf(6) }), 'was interrupted')
  expect(await run('key rotate')).toMatchObject({ code: 0, stdout: expect.stringContaining('1 secret.') })
  expect(keyFile()).toBe(keyOf(5))

  // Crashed after the database had switched, before the next key became the key.
  renameSync(file('secret.key'), file('secret.key.next'))
  writeFileSync(file('secret.key'), `${before}\n`)
  expect(await startInVain()).toMatch(/^[^\n]*run "rustymail key rotate" again[^\n]*$/)
  expect(await run('key rotate')).toMatchObject({ code: 0, stdout: expect.stringContaining('already') })
  expect(keyFile()).toBe(keyOf(5))
  expect(existsSync(file('secret.key.next'))).toBe(false)
  expect([old, before]).not.toContain(keyFile())
  await (await start()).stop()
  expect(await run('audit verify')).toMatchObject({ code: 0 })
})

test('before the old key is given up the database file itself is sealed with the new one, so that no power failure brings back the old state', async () => {
  const { run, start, keyFile, file } = await home()
  const server = await start()
  await addAccount(server)
  await server.stop()
  // While it is open here, closing it elsewhere does not checkpoint its log, as in a power failure.
  const other = new DatabaseSync(file('rustymail.db'))
  onTestFinished(() => other.close())
  const marks = (db: DatabaseSync) => db.prepare("select value from settings where name = 'key_check'").all()
  marks(other)
  expect(await run('key rotate')).toMatchObject({ code: 0, stdout: expect.stringContaining('1 secret.') })
  copyFileSync(file('rustymail.db'), file('left.db'))
  const left = new DatabaseSync(file('left.db'))
  onTestFinished(() => left.close())
  expect(marks(left)).toEqual(marks(other))
  const secrets = new SecretBox(Buffer.from(keyFile(), 'base64'))
  const [mark] = marks(left)
  expect(secrets.open(JSON.parse(String(mark?.value)), 'key_check')).toBe('RustyMail')

  // Nor can it be checkpointed while another reader holds an earlier state: the old key stays until then.
  const before = keyFile()
  other.exec('begin')
  marks(other)
  expectOneLine(await run('key rotate'), 'another program is reading the database')
  expect(keyFile()).toBe(before)
  other.exec('commit')
  expect(await run('key rotate')).toMatchObject({ code: 0, stdout: expect.stringContaining('already') })
  expect(keyFile()).not.toBe(before)
})

test('a key of the environment is changed for the one that is given, and a key of the file too', async () => {
  const { run, start, startInVain } = await home({ RUSTYMAIL_SECRET_KEY: keyOf(1) })
  const server = await start()
  await addAccount(server)
  await server.stop()
  expectOneLine(await run('key rotate'), 'RUSTYMAIL_NEW_SECRET_KEY')
  const other = { RUSTYMAIL_SECRET_KEY: keyOf(9), RUSTYMAIL_NEW_SECRET_KEY: keyOf(2) }
  expectOneLine(await run('key rotate', '', other), 'the secret key is not the one')
  const change = { RUSTYMAIL_NEW_SECRET_KEY: keyOf(2) }
  const changed = await run('key rotate', '', change)
  expect(changed).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 secret. Start RustyMail with the new'),
  })
  expect(await run('key rotate', '', change)).toMatchObject({ code: 0, stdout: expect.stringContaining('already') })
  expect(await startInVain()).toMatch(/^[^\n]*the secret key is not the one/)
  await (await start({ RUSTYMAIL_SECRET_KEY: keyOf(2) })).stop()

  const filed = await home()
  await (await filed.start()).stop()
  expect(await filed.run('key rotate', '', { RUSTYMAIL_NEW_SECRET_KEY: keyOf(3) })).toMatchObject({ code: 0 })
  expect(filed.keyFile()).toBe(keyOf(3))
  await (await filed.start()).stop()
})

test('--version and --help are answered without a data directory', async () => {
  const { runProgram, dataDir } = await home()
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  expect(await runProgram('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  expect(await runProgram('--help')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('--version'),
    stderr: '',
  })
  expect(existsSync(dataDir)).toBe(false)
})

test('a database from before there was a mark of its key is not marked with a wrong one', async () => {
  const { start, startInVain, environment } = await home()
  const server = await start()
  await addAccount(server)
  await server.stop()
  const db = openDatabase(environment.RUSTYMAIL_DATABASE_URL)
  onTestFinished(() => db.destroy())
  await db.deleteFrom('settings').where('name', '=', 'key_check').execute()
  expect(await startInVain({ RUSTYMAIL_SECRET_KEY: keyOf(7) })).toMatch(/^[^\n]*the secret key is not the one/)
  await (await start()).stop()
})
