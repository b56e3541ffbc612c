/** Diagnosing an account of a running server, over the API and on the command line. */
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { missingGrants } from '../../server/mail-oauth/missing-grant.ts'
import { OAuthStore } from '../../server/mail-oauth/oauth-store.ts'
import { openDatabase } from '../../server/platform/database/database.ts'
import { SecretBox } from '../../server/platform/secret-box.ts'
import { newPostgresDatabase } from '../support/databases.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { patience } from '../support/patience.ts'
import { People } from '../support/people.ts'
import { available } from '../support/require.ts'
import { runCommand, runCommandHere } from '../support/run-command.ts'
import { type Served, startHere } from '../support/rustymail.ts'
import { enter } from '../support/signed-in.ts'
import { SmtpSink } from '../support/smtp-sink.ts'
import { startSocketServer } from '../support/socket-server.ts'
import { tempDir } from '../support/temp-dir.ts'

const manyCalls = { RUSTYMAIL_RATE_LIMIT: '100000' }
const networks = { RUSTYMAIL_PRIVATE_NETWORKS: '127.0.0.0/8' }

describe.skipIf(!available('dovecot'))('an account at Dovecot', () => {
  let dovecot: Dovecot
  const sink = new SmtpSink({ password: 'pw-alice' })
  beforeAll(async () => {
    dovecot = await startDovecot()
    await sink.start()
    await dovecot.appendMessage('alice@test.local', 'Subject: the divorce papers\nFrom: bob@secret.test\n\nwords')
  })
  afterAll(async () => {
    await sink.stop()
    await dovecot.stop()
  })

  async function connected(run: Served, more: object = {}) {
    const at = { host: '127.0.0.1', tls: 'none', user: 'alice@test.local', password: 'pw-alice' }
    const body = {
      name: 'Alice Liddell',
      email: 'alice.liddell@wonderland.test',
      imap: { ...at, port: dovecot.imapPort },
      smtp: { ...at, port: sink.port },
      ...more,
    }
    const { id } = await run.call(api.accounts.createAccount, { query: { verify: 'false' }, body })
    return { account_id: id }
  }
  const indexed = (run: Served, params: { account_id: string }) =>
    expect
      .poll(async () => (await run.call(api.mailIndex.getIndex, { params })).state, { timeout: patience })
      .toBe('complete')
  const expectStored = (words: string) => {
    expect(words).toMatch(/ok {7}account state .*The server last noted the state ready\./)
    expect(words).toMatch(/ok {7}account history .*No problems in the last 24 hours\./)
    expect(words).toMatch(/ok {7}account index .*Everything that the mail server last counted is indexed\./)
    expect(words).toMatch(/Messages: 1$/m)
  }
  const stateOf = async (run: Served, params: { account_id: string }) =>
    (await run.call(api.accounts.getAccount, { params })).state

  test('that works: every step, the last lines without mail or password, and an anonymous report', async () => {
    const run = await startHere({ environment: manyCalls })
    const params = await connected(run)
    await expect.poll(() => stateOf(run, params)).toBe('ready')
    const made = await run.call(api.diagnose.diagnoseAccount, { params })
    expect(made).toMatchObject({ state: 'ok', verdict: 'Everything works.', advice: [] })
    expect(made.checks.filter(({ state }) => state === 'failed')).toEqual([])
    expect(made.checks.map(({ part, id }) => `${part} ${id}`)).toEqual(
      expect.arrayContaining([
        'imap login',
        'imap quota',
        'smtp login',
        'account clock',
        'account index',
        'account history',
      ]),
    )
    const said = made.lines.map(({ from, text }) => `${from} ${text}`)
    expect(said).toEqual(
      expect.arrayContaining([expect.stringMatching(/^client \S+ AUTHENTICATE PLAIN …$/), 'client AUTH PLAIN …']),
    )
    expect(said.join('\n')).not.toMatch(/pw-alice|divorce|bob@|AHB3LWFsaWNl/)

    const { text, file_name } = await run.call(api.diagnose.getDiagnosisReport, { params })
    expect(file_name).toMatch(/^rustymail-diagnosis-[\d-]+\.txt$/)
    expect(text).toContain('RustyMail 0.')
    expect(text).toContain('ok       imap login')
    expect(text).not.toMatch(/alice|liddell|wonderland|test\.local|pw-/i)
    // It shows the earlier diagnosis without connecting.
    expect(text).toContain(`Made at ${made.made_at}`)
  })

  test('whose password is refused: it is told, not tried again by itself, and tried once more by an operator', async () => {
    const run = await startHere({ environment: manyCalls })
    const at = { host: '127.0.0.1', tls: 'none', user: 'alice@test.local', password: 'wrong' }
    const params = await connected(run, { imap: { ...at, port: dovecot.imapPort }, smtp: { ...at, port: sink.port } })
    await expect.poll(() => stateOf(run, params)).toBe('auth_failed')
    sink.commands = []
    const auths = () => sink.commands.filter(line => line.startsWith('AUTH')).length
    const login = (checks: readonly { id: string; part: string }[], part: string) =>
      checks.find(check => check.id === 'login' && check.part === part)
    const first = await run.call(api.diagnose.diagnoseAccount, { params })
    expect(login(first.checks, 'imap')).toMatchObject({
      state: 'skipped',
      words: expect.stringContaining('was refused at'),
    })
    expect(login(first.checks, 'smtp')).toMatchObject({ state: 'failed' })
    expect(first.verdict).toContain('The password is refused')
    const second = await run.call(api.diagnose.diagnoseAccount, { params })
    expect(login(second.checks, 'smtp')).toMatchObject({ state: 'skipped' })
    expect(second.verdict).toContain('its password was refused')
    expect(auths()).toBe(1)

    const people = new People(run.url, await enter(run.url))
    const viewer = await people.invite('viewer')
    const path = `/api/dashboard/accounts/${params.account_id}/diagnose`
    expect((await people.ask(viewer.proof, 'GET', path)).status).toBe(200)
    const refused = await people.ask(viewer.proof, 'GET', `${path}?retry_login=true`)
    expect([refused.status, JSON.parse(refused.text).missing_scope]).toEqual([403, 'dashboard:operate'])
    expect(auths()).toBe(1)
    const third = await run.call(api.diagnose.diagnoseAccount, { params, query: { retry_login: 'true' } })
    expect(login(third.checks, 'imap')).toMatchObject({ state: 'failed' })
    expect(auths()).toBe(2)
    expect(JSON.stringify(third)).not.toMatch(/"[^"]*\bwrong\b[^"]*(AUTH PLAIN|LOGIN)/)
  })

  test('whose password is refused: what the command saw, neither it nor the server tries again', async () => {
    const dir = tempDir('diagnose-refused')
    onTestFinished(() => dir.remove())
    const dataDir = `${dir.path}/data`
    const at = { host: '127.0.0.1', tls: 'none', user: 'alice@test.local', password: 'wrong' }
    const servers = { imap: { ...at, port: dovecot.imapPort }, smtp: { ...at, port: sink.port }, enabled: false }
    const run = await startHere({ dataDir, environment: manyCalls })
    const params = await connected(run, servers)
    sink.commands = []
    const auths = () => sink.commands.filter(line => line.startsWith('AUTH')).length
    const here = async (...more: string[]) =>
      (await runCommandHere(['diagnose', 'alice.liddell@wonderland.test', ...more], { dataDir, environment: networks }))
        .stdout
    expect(await here()).toMatch(/FAILED +imap login(.*\n)*FAILED +smtp login/)
    expect(auths()).toBe(1)
    expect(await here()).toMatch(
      /skipped {2}imap login .* was refused at(.*\n)*skipped {2}smtp login .* was refused at/,
    )
    const { checks } = await run.call(api.diagnose.diagnoseAccount, { params })
    expect(checks.filter(({ id }) => id === 'login').map(({ state }) => state)).toEqual(['skipped', 'skipped'])
    expect(auths()).toBe(1)
    expect(await here('--retry-login')).toMatch(/FAILED +imap login(.*\n)*FAILED +smtp login/)
    expect(auths()).toBe(2)
  })

  const postgresUrl = inject('postgresUrl')
  test.skipIf(postgresUrl === undefined)('on the command line: what a server on PostgreSQL wrote', async () => {
    const dir = tempDir('diagnose')
    onTestFinished(() => dir.remove())
    const dataDir = `${dir.path}/data`
    const database = { RUSTYMAIL_DATABASE_URL: await newPostgresDatabase(postgresUrl!) }
    const run = await startHere({ dataDir, environment: { ...manyCalls, ...database } })
    onTestFinished(async () => void (await run.stop()))
    await indexed(run, await connected(run))
    const options = { dataDir, environment: { ...networks, ...database } }
    const beside = await runCommandHere(['diagnose', 'alice.liddell@wonderland.test'], options)
    expect(beside).toMatchObject({ code: 0, stderr: '' })
    expectStored(beside.stdout)
  })

  test('on the command line: of an account, beside the server and without it, and of servers that are given', async () => {
    const dir = tempDir('diagnose')
    onTestFinished(() => dir.remove())
    const dataDir = `${dir.path}/data`
    const run = await startHere({ dataDir, environment: manyCalls })
    await indexed(run, await connected(run))
    const beside = await runCommand(['diagnose', 'Alice.Liddell@wonderland.test'], { dataDir, environment: networks })
    expect(beside).toMatchObject({ code: 0, stderr: '' })
    expect(beside.stdout).toMatch(/^Everything works\.\n/)
    expect(beside.stdout).toContain('ok       imap login')
    expectStored(beside.stdout)
    await run.stop()

    const here = (words: string[], input = '') => runCommandHere(words, { dataDir, input, environment: networks })
    const report = await here(['diagnose', 'alice.liddell@wonderland.test', '--report'])
    expect(report.code).toBe(0)
    expect(report.stdout).not.toMatch(/alice|liddell|wonderland/i)
    expect(report.stdout).toMatch(/^Platform: .*\n(.*\n)*Connections: 4 an account/m)
    // The protocol lines of the diagnosis, without credentials.
    expect(report.stdout).toMatch(/Last lines:\n(.*\n)*.* imap #\d+ > \S+ AUTHENTICATE PLAIN …/)
    expect(report.stdout).toMatch(/ smtp #\d+ > AUTH PLAIN …/)
    expect(report.stdout + beside.stdout).not.toMatch(/pw-alice|AHB3LWFsaWNl/)
    expect(beside.stdout).toContain('Last lines:')
    const given = ['diagnose', 'alice@test.local', '--imap', `127.0.0.1:${dovecot.imapPort}`, '--imap-tls', 'starttls']
    expect(await here(given, 'pw-alice\n')).toMatchObject({ code: 0, stdout: expect.stringContaining('login') })
    const wrong = await here(given, 'not-it\n')
    expect(wrong).toMatchObject({ code: 1, stdout: expect.stringContaining('The password is refused') })
    expect(wrong.stdout + wrong.stderr).not.toContain('not-it')
    const without = await here(given, '\n')
    expect(without).toMatchObject({ code: 0, stdout: expect.stringContaining('no password was given') })

    // Only the running server refreshes the access of an OAuth account.
    const db = openDatabase(`sqlite:${dataDir}/rustymail.db`)
    onTestFinished(() => db.destroy())
    await db.updateTable('accounts').set({ oauth_provider: 'google', grant_id: 'g' }).execute()
    const granted = await here(['diagnose', 'alice.liddell@wonderland.test', '--retry-login'])
    expect(granted.stdout).toMatch(/skipped {2}imap login .*the stored access token has expired/)
    // Dovecot accepts only passwords here.
    expect(granted.stdout).toMatch(/^Reading mail \(IMAP\): The server accepts no access tokens/)
    expect(granted.stdout).toContain('ok       imap greeting')
    const missing = missingGrants({ store: new OAuthStore(db), secrets: new SecretBox(Buffer.alloc(32)) })
    const [{ id }] = (await db.selectFrom('accounts').select('id').execute()) as [{ id: string }]
    await missing.miss(db, { id: 'g', provider: 'google', accountId: id, isSending: true })
    const over = await here(['diagnose', 'alice.liddell@wonderland.test'])
    expect(over).toMatchObject({ code: 1, stdout: expect.stringContaining('Access was revoked or has expired') })

    for (const words of [
      ['diagnose'],
      ['diagnose', 'one@test.local', 'two@test.local'],
      ['diagnose', 'nobody@test.local'],
      ['diagnose', 'a@test.local', '--imap', 'no host:x'],
      ['diagnose', 'a@test.local', '--imap', 'mail.test', '--imap-tls', 'some'],
      ['diagnose', 'a@test.local', '--imap', 'mail.test', '--imap-tls', 'none'],
    ]) {
      expect((await here(words)).code, words.join(' ')).toBe(2)
    }
    expect((await runCommand(['diagnose', 'a@test.local', '--password', 'x'], { dataDir })).code).toBe(2)
  })
})

test('servers that hang: the diagnosis ends within its bound, and so does the server that makes it', async () => {
  const hanging = await startSocketServer(() => undefined)
  onTestFinished(() => hanging.stop())
  const run = await startHere({ environment: manyCalls })
  await run
    .call(api.settings.updateConfig, {
      query: { verify: 'false' },
      body: { connection_timeout_seconds: 1 },
    })
    .catch(() => undefined)
  const at = { host: '127.0.0.1', port: hanging.port, user: 'a', password: 'b' }
  const body = { email: 'a@b.test', imap: { ...at, tls: 'implicit' }, smtp: { ...at, tls: 'starttls' }, enabled: false }
  const { id } = await run.call(api.accounts.createAccount, { query: { verify: 'false' }, body })
  const params = { account_id: id }
  const made = await run.call(api.diagnose.diagnoseAccount, { params })
  expect(made.verdict).toContain('TLS handshake did not end in time')
  expect(made.checks.find(({ part, id: check }) => part === 'smtp' && check === 'greeting')?.state).toBe('failed')
  // A deleted account has no lines left, and cannot be diagnosed.
  const gone = { account_id: 'none' }
  await expect(run.call(api.diagnose.diagnoseAccount, { params: gone })).rejects.toThrow('404')
  const asked = run.call(api.diagnose.diagnoseAccount, { params }).catch((error: Error) => error)
  await run.stop()
  await asked
})
