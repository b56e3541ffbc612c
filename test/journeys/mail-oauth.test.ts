/** An account that signs in at its provider: a real authorisation server, a Dovecot and an SMTP server that show it each token. */
import { sql } from 'kysely'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { AccountsFile, ImportedAccount } from '../../contract/account-moving.ts'
import type { Account, VerifyResult } from '../../contract/accounts.ts'
import type { Diagnosis } from '../../contract/diagnose.ts'
import { api } from '../../contract/index.ts'
import type { OAuthGrant, OAuthProvider, OAuthSignIn } from '../../contract/mail-oauth.ts'
import type { Submission } from '../../contract/submission.ts'
import { openDatabase } from '../../server/platform/database/database.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { MailAuthority, mailClientId, mailClientSecret } from '../support/mail-authority.ts'
import { patience } from '../support/patience.ts'
import { type People, type Proof, runApp } from '../support/people.ts'
import { available } from '../support/require.ts'
import { runCommandHere } from '../support/run-command.ts'
import { startRelay } from '../support/tcp-relay.ts'
import { startTokenSink } from '../support/token-sink.ts'

const providers = api.mailOAuth.listOAuthProviders.path
const signIns = api.mailOAuth.beginOAuthSignIn.path
const accounts = api.accounts.createAccount.path
const alice = 'alice@test.local'
const hosts = ['127.0.0.1']
const custom = (metadata_url: string) => ({
  ...{ name: 'Example', metadata_url, imap_hosts: hosts, smtp_hosts: hosts, domains: ['test.local'] },
  scopes: { read: ['mail.read'], send: ['mail.read', 'mail.send'] },
})

let authority: MailAuthority
let dovecot: Dovecot
let people: People
let dataDir: string

beforeAll(async () => {
  if (!available('dovecot')) return
  authority = await MailAuthority.start()
  const { introspectionUrl } = authority
  dovecot = await startDovecot({ oauth: { introspectionUrl, mechanisms: 'oauthbearer xoauth2' } })
  const running = await runApp()
  people = running.people
  dataDir = running.dataDir
  const client = { client_id: mailClientId, client_secret: mailClientSecret }
  const example = await people.tell<OAuthProvider>(people.admin, 'PUT', `${providers}/example`, {
    ...client,
    custom: custom(authority.url),
  })
  authority.redirectUris.push(example.redirect_uri)
  return async () => {
    await running.stop()
    await dovecot.stop()
    await authority.close()
  }
})

const begin = (more: object = {}, proof = people.admin) =>
  people.tell<OAuthSignIn>(proof, 'POST', signIns, { provider: 'example', ...more })
const look = (id: string) => people.tell<OAuthSignIn>(people.admin, 'GET', `${signIns}/${id}`)
const grantOf = ({ id }: Account) => people.tell<OAuthGrant>(people.admin, 'GET', `${accounts}/${id}/grant`)
const find = ({ id }: Account) => people.tell<Account>(people.admin, 'GET', `${accounts}/${id}`)

/** As the browser does it: to the provider, and back with what it gave. */
async function comeBack(signIn: OAuthSignIn, login: string, proof: Proof = people.admin) {
  const back = new URL(await authority.signIn(signIn.authorization_url!, login))
  const { status, headers } = await people.ask(proof, 'GET', back.pathname + back.search)
  return { back, status, location: headers.get('location') }
}

async function settled(id: string): Promise<OAuthSignIn> {
  await expect.poll(async () => (await look(id)).state, { timeout: patience }).toMatch(/done|failed/)
  return look(id)
}

async function connect(user: string, { imapPort = dovecot.imapPort, smtpPort = 0 } = {}): Promise<Account> {
  const signIn = await begin({ email: user, use: smtpPort === 0 ? 'read' : 'send' })
  await comeBack(signIn, user)
  const { grant_id } = await settled(signIn.id)
  const server = { host: '127.0.0.1', tls: 'none', user }
  const account = await people.tell<Account>(people.admin, 'POST', accounts, {
    ...{ email: user, auth: { grant_id }, imap: { ...server, port: imapPort } },
    ...(smtpPort === 0 ? {} : { smtp: { ...server, port: smtpPort } }),
  })
  leaves(account)
  return account
}

/** A mailbox can be connected once: the next test, and a second try of this one, connect it again. */
const leaves = ({ id }: Account) =>
  onTestFinished(() => people.ask(people.admin, 'DELETE', `${accounts}/${id}`).then(() => undefined))

const isState = (account: Account, state: Account['state']) =>
  expect.poll(async () => (await find(account)).state, { timeout: patience }).toBe(state)

/** Whatever of the last lines is base64, no login is in it. */
function expectNoToken({ lines }: Diagnosis): void {
  expect(lines.length).toBeGreaterThan(0)
  for (const { text } of lines) {
    for (const [word] of text.matchAll(/[A-Za-z0-9+/_-]{8,}={0,2}/g)) {
      expect(Buffer.from(word, 'base64').toString()).not.toContain('Bearer')
    }
    expect(text).not.toMatch(/Bearer/)
  }
}

const run = test.skipIf(!available('dovecot'))

run(
  'a browser signs in for an account, which reads mail by OAUTHBEARER; the callback is good once, and for that session alone',
  async () => {
    const other = await people.invite('administrator')
    const signIn = await begin({ use: 'read', email: alice })
    const asked = new URL(signIn.authorization_url!)
    expect(asked.searchParams.get('scope')).toBe('mail.read')
    expect(asked.searchParams.get('code_challenge_method')).toBe('S256')
    expect(asked.searchParams.get('login_hint')).toBe(alice)
    expect((await people.ask(other.proof, 'GET', `${signIns}/${signIn.id}`)).status).toBe(404)
    const back = new URL(await authority.signIn(signIn.authorization_url!, alice))
    const callback = back.pathname + back.search
    // RFC 9207: it names itself, and is not believed otherwise.
    expect(back.searchParams.get('iss')).toBe(authority.url)
    const stolen = await people.ask(other.proof, 'GET', callback)
    expect([stolen.status, stolen.headers.get('location')]).toEqual([302, '/accounts?sign_in=unknown'])
    expect((await people.ask({}, 'GET', callback)).headers.get('location')).toBe('/accounts?sign_in=unknown')
    const came = await people.ask(people.admin, 'GET', callback)
    expect([came.status, came.headers.get('location')]).toEqual([302, `/accounts?connect=1&sign_in=${signIn.id}`])
    expect((await people.ask(people.admin, 'GET', callback)).headers.get('location')).toBe('/accounts?sign_in=unknown')
    const { state, grant_id } = await look(signIn.id)
    expect(state).toBe('done')
    const body = {
      email: alice,
      auth: { grant_id },
      imap: { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user: alice },
    }
    expect((await people.ask(other.proof, 'POST', accounts, body)).status).toBe(404)
    const account = await people.tell<Account>(people.admin, 'POST', accounts, body)
    leaves(account)
    expect(account.auth).toEqual({ kind: 'oauth', provider: 'example', grant_id })
    expect((await people.ask(people.admin, 'POST', accounts, { ...body, email: 'x@y.example' })).status).not.toBe(201)
    await isState(account, 'ready')
    await dovecot.appendMessage(alice, 'Subject: By token\n\nHello.\n')
    const list = `/api/v1/accounts/${account.id}/messages?folder=INBOX`
    await expect
      .poll(async () => (await people.ask(people.admin, 'GET', list)).text, { timeout: patience })
      .toContain('By token')
    const grant = await grantOf(account)
    expect(grant).toMatchObject({
      state: 'active',
      use: 'read',
      scopes: ['mail.read'],
      provider_name: 'Example',
      failure: null,
    })
    // Used, so it is refreshed ahead of its end: between 70 % and 90 % of the hour.
    const ahead = (Date.parse(grant.next_refresh_at!) - Date.parse(grant.refreshed_at)) / 3_600_000
    expect(ahead).toBeGreaterThanOrEqual(0.7)
    expect(ahead).toBeLessThanOrEqual(0.9)
    expect(authority.refreshes).toBe(0)

    // Its token goes nowhere else, also where an administrator moves the account.
    const moved = await people.ask(people.admin, 'PATCH', `${accounts}/${account.id}`, { imap: { host: 'localhost' } })
    expect([moved.status, JSON.parse(moved.text).errors[0].path]).toEqual([400, 'body.imap.host'])
    const password = await people.ask(people.admin, 'PATCH', `${accounts}/${account.id}`, { imap: { password: 'x' } })
    expect(password.status).toBe(400)
    // For sending, somebody has to sign in again.
    const smtp = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user: alice }
    const sending = await people.ask(people.admin, 'PATCH', `${accounts}/${account.id}`, { smtp })
    expect([sending.status, sending.text]).toEqual([400, expect.stringContaining('for reading only')])

    // The access of an account that is disconnected is revoked.
    const before = authority.requests.length
    await people.ask(people.admin, 'DELETE', `${accounts}/${account.id}`)
    await expect.poll(() => authority.requests.slice(before), { timeout: patience }).toContain('POST /token/revocation')
  },
)

run('what somebody cancels, or a foreign issuer, is told in words', async () => {
  const signIn = await begin()
  await comeBack(signIn, 'cancel')
  expect(await look(signIn.id)).toMatchObject({
    state: 'failed',
    failure: expect.stringContaining('cancelled'),
    grant_id: null,
  })
  const mixed = await begin()
  const back = new URL(await authority.signIn(mixed.authorization_url!, alice))
  back.searchParams.set('iss', 'https://another.example')
  await people.ask(people.admin, 'GET', back.pathname + back.search)
  expect(await look(mixed.id)).toMatchObject({ state: 'failed', failure: expect.stringContaining('iss') })
  expect((await people.ask(people.admin, 'POST', signIns, { provider: 'google' })).text).toContain(
    'oauth_client_missing',
  )
  expect((await people.ask(people.admin, 'POST', signIns, { provider: 'nobody' })).text).toContain(
    'oauth_provider_not_found',
  )
})

run.each(['XOAUTH2', 'OAUTHBEARER'] as const)('mail is sent by %s', async mechanism => {
  const { sink, port, logins } = await startTokenSink(authority, mechanism)
  const account = await connect('bob@test.local', { smtpPort: port })
  expect(logins).toEqual([`${mechanism} bob@test.local bob@test.local`])
  const drafts = `/api/v1/accounts/${account.id}/drafts`
  const draft = await people.tell<{ id: string; rev: number }>(people.admin, 'POST', drafts, {
    ...{ mode: 'new', to: ['anne@there.test'], subject: 'Lunch' },
    body: { format: 'markdown', content: 'At noon?' },
  })
  const { id } = await people.tell<Submission>(people.admin, 'POST', `${drafts}/${draft.id}/send`, { rev: draft.rev })
  const submission = api.outbox.getSubmission.path.replace('{submission_id}', id)
  const sent = async () => {
    const { state, error } = await people.tell<Submission>(people.admin, 'GET', submission)
    return { state, error }
  }
  await expect.poll(sent, { timeout: patience }).toEqual({ state: 'sent', error: null })
  expect(sink.taken.length).toBe(1)
  // It sends while its connection for new mail is still being opened, which a diagnosis would say.
  await isState(account, 'ready')
  const made = await people.tell<Diagnosis>(people.admin, 'GET', `${accounts}/${account.id}/diagnose`)
  expect(made.verdict).toBe('Everything works.')
  const said = made.lines.map(({ text }) => text)
  expect(said).toEqual(
    expect.arrayContaining([`AUTH ${mechanism} …`, expect.stringMatching(/^\S+ AUTHENTICATE OAUTHBEARER …$/)]),
  )
  expectNoToken(made)
})

run('a token that ends in use: the next login refreshes it once, and nobody notices', async () => {
  const account = await connect('carol@test.local')
  await isState(account, 'ready')
  const before = authority.refreshes
  await authority.expire()
  const result = await people.tell<VerifyResult>(people.admin, 'POST', `${accounts}/${account.id}/verify`)
  expect([result.imap, authority.refreshes - before]).toMatchObject([{ ok: true }, 1])
  await isState(account, 'ready')
})

run(
  'a revoked grant is told as that, and signing in again keeps the account; somebody else cannot sign in for it',
  async () => {
    const account = await connect('carol@test.local')
    await isState(account, 'ready')
    await authority.revoke('carol@test.local')
    // A server's rejection leads to one refresh, which the provider refuses: then nothing is tried any more.
    const before = authority.refreshes
    await people.ask(people.admin, 'POST', `${accounts}/${account.id}/reconnect`)
    await isState(account, 'auth_failed')
    const { last_error } = await find(account)
    expect(last_error).toMatchObject({
      cause: 'revoked',
      detail: 'The access was revoked or has expired. Sign in again.',
    })
    expect(await grantOf(account)).toMatchObject({
      state: 'revoked',
      failure: 'The access was revoked or has expired.',
    })
    await people.ask(people.admin, 'POST', `${accounts}/${account.id}/reconnect`)
    await isState(account, 'auth_failed')
    expect(authority.refreshes - before).toBe(1)

    const made = await people.tell<Diagnosis>(people.admin, 'GET', `${accounts}/${account.id}/diagnose`)
    expect(made.verdict).toBe('Reading mail (IMAP): Access was revoked or has expired: sign in again.')
    expect(made.checks.find(({ id, part }) => id === 'login_methods' && part === 'imap')?.words).toContain(
      'accepts access tokens',
    )
    expectNoToken(made)

    const wrong = await begin({ account_id: account.id })
    expect(new URL(wrong.authorization_url!).searchParams.get('login_hint')).toBe('carol@test.local')
    const { location } = await comeBack(wrong, 'dave@test.local')
    expect(location).toBe(`/accounts/${account.id}?sign_in=${wrong.id}`)
    expect(await settled(wrong.id)).toMatchObject({
      state: 'failed',
      failure: expect.stringContaining('another user signed in'),
    })
    expect(await grantOf(account)).toMatchObject({ state: 'revoked' })

    const again = await begin({ account_id: account.id })
    await comeBack(again, 'carol@test.local')
    expect(await settled(again.id)).toMatchObject({ state: 'done' })
    await isState(account, 'ready')
    expect((await find(account)).auth).toEqual(account.auth)
    expect(await grantOf(account)).toMatchObject({ state: 'active', failure: null })
  },
)

run('the command line logs in with the access token that is stored, and refreshes nothing', async () => {
  const account = await connect('grace@test.local')
  await isState(account, 'ready')
  const environment = { RUSTYMAIL_PRIVATE_NETWORKS: '127.0.0.0/8' }
  const before = authority.refreshes
  const seen = await runCommandHere(['diagnose', 'grace@test.local'], { dataDir, environment })
  expect(seen).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('ok       imap login') })
  expect(seen.stdout).not.toMatch(/Bearer [^…]/)
  // To a server of somebody else it is not sent.
  const db = openDatabase(`sqlite:${dataDir}/rustymail.db`)
  onTestFinished(() => db.destroy())
  await db.updateTable('oauth_clients').set({ custom: sql`replace(custom, '127.0.0.1', 'mail.example.org')` }).execute()
  onTestFinished(async () => {
    const restored = openDatabase(`sqlite:${dataDir}/rustymail.db`)
    await restored
      .updateTable('oauth_clients')
      .set({ custom: sql`replace(custom, 'mail.example.org', '127.0.0.1')` })
      .execute()
    await restored.destroy()
  })
  const elsewhere = await runCommandHere(['diagnose', 'grace@test.local'], { dataDir, environment })
  expect(elsewhere.stdout).toMatch(/skipped {2}imap login .*this server does not belong to the provider/)
  expect(authority.refreshes).toBe(before)
})

run('while no mail server says whose access it is, another sign-in is not kept', async () => {
  const relay = await startRelay(dovecot.imapPort)
  onTestFinished(() => relay.stop())
  const account = await connect('erin@test.local', { imapPort: relay.port })
  await isState(account, 'ready')
  const before = await grantOf(account)
  await relay.stop()
  const someone = await begin({ account_id: account.id })
  await comeBack(someone, 'frank@test.local')
  expect(await settled(someone.id)).toMatchObject({
    state: 'failed',
    failure: expect.stringContaining('Nothing answers'),
  })
  expect(await grantOf(account)).toMatchObject({ granted_at: before.granted_at, state: 'active' })
  const again = await startRelay(dovecot.imapPort, {}, relay.port)
  onTestFinished(() => again.stop())
  const right = await begin({ account_id: account.id })
  await comeBack(right, 'erin@test.local')
  expect(await settled(right.id)).toMatchObject({ state: 'done' })
})

run(
  'a code is typed in on another machine; an account with a password signs in from then on, and its password is forgotten',
  async () => {
    const account = await people.tell<Account>(people.admin, 'POST', accounts, {
      email: 'dave@test.local',
      imap: { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user: 'dave@test.local', password: 'pw-dave' },
    })
    leaves(account)
    expect(account.auth).toEqual({ kind: 'password' })
    const signIn = await begin({ method: 'device', account_id: account.id })
    expect(signIn).toMatchObject({
      state: 'waiting',
      authorization_url: null,
      user_code: expect.stringMatching(/^\w{4}-\w{4}$/),
    })
    await authority.typeIn(signIn.verification_uri!, signIn.user_code!, 'dave@test.local')
    expect(await settled(signIn.id)).toMatchObject({ state: 'done' })
    const after = await find(account)
    expect(after.auth).toMatchObject({ kind: 'oauth', provider: 'example' })
    await isState(account, 'ready')
  },
)

run(
  'an account comes from another server without its access, and one sign-in connects it with its settings',
  async () => {
    const bob = 'bob@test.local'
    const account = await connect(bob)
    await isState(account, 'ready')
    await people.tell(people.admin, 'PATCH', `${accounts}/${account.id}`, { look_interval_seconds: 300 })
    const passphrase = 'nine green doors'
    const move = api.accountMoving
    const file = await people.tell<AccountsFile>(people.admin, 'POST', move.exportAccounts.path, { passphrase })
    await people.ask(people.admin, 'DELETE', `${accounts}/${account.id}`)
    const body = { file, passphrase }
    const { items } = await people.tell<{ items: ImportedAccount[] }>(
      people.admin,
      'POST',
      move.importAccounts.path,
      body,
    )
    const result = items.find(({ email }) => email === bob)!
    expect(result).toMatchObject({ status: 'created', needs_sign_in: true })
    const moved = await people.tell<Account>(people.admin, 'GET', `${accounts}/${result.account_id}`)
    leaves(moved)
    await isState(moved, 'auth_failed')
    expect(await find(moved)).toMatchObject({
      ...{ last_error: { cause: 'revoked', detail: expect.stringContaining('Sign in again.') } },
      ...{ auth: { kind: 'oauth', provider: 'example' }, look_interval_seconds: 300 },
    })
    expect(await grantOf(moved)).toMatchObject({ state: 'revoked', scopes: [], provider_name: 'Example' })
    const again = await begin({ account_id: moved.id })
    await comeBack(again, bob)
    expect(await settled(again.id)).toMatchObject({ state: 'done' })
    await isState(moved, 'ready')
    expect(await grantOf(moved)).toMatchObject({ state: 'active', failure: null })
  },
)
