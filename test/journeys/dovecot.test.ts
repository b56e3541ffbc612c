/** The main job on a real mail server: connect to it, read from it, get new mail, see the figures move. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { openStream } from '../support/open-stream.ts'
import { available } from '../support/require.ts'
import { apiKey, type Served, startHere, startRustyMail } from '../support/rustymail.ts'

const mail = (subject: string, text: string) =>
  `From: Bob <bob@test.local>\nTo: alice@test.local\nSubject: ${subject}\nDate: Sun, 22 Nov 2026 18:14:03 +0000\nContent-Type: text/plain; charset=utf-8\n\n${text}\n`
const authorization = `Bearer ${apiKey}`

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot

  beforeAll(async () => {
    dovecot = await startDovecot()
    return () => dovecot.stop()
  })

  const login = (user: string, password = `pw-${user}`) => ({
    email: `${user}@test.local`,
    imap: { host: '127.0.0.1', port: dovecot.imapsPort, tls: 'implicit', user: `${user}@test.local`, password },
  })

  const connect = async (run: Served, user: string) => {
    const account = await run.call(api.accounts.createAccount, { body: login(user) })
    const isReady = async () => (await run.call(api.accounts.getAccount, { params: { account_id: account.id } })).state
    await expect.poll(isReady).toBe('ready')
    return account
  }

  test('an account is tried, connected, read without marking anything, and heard of when mail comes; its certificate is watched', async () => {
    const run = await startHere()
    const stream = await openStream(`${run.url}/api/dashboard/events`, { authorization })
    await stream.next('welcome')
    const user = dovecot.newUser()
    const account = await connect(run, user)
    expect((await stream.next('account_added')).data).toMatchObject({ account_id: account.id })
    expect((await stream.next('account_state_changed')).data).toMatchObject({ state: 'ready' })

    await dovecot.appendMessage(
      `${user}@test.local`,
      mail('=?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=', 'Erste Nachricht'),
    )
    const received = (await stream.next('mail_received')).data as { uid: number }
    expect(received).toMatchObject({ account_id: account.id, folder: 'INBOX', uid: 1 })

    const params = { account_id: account.id }
    const folders = await run.call(api.mail.listFolders, { params })
    expect(folders.items.find(folder => folder.role === 'inbox')).toMatchObject({ path: 'INBOX', total: 1, unread: 1 })
    const { items } = await run.call(api.mail.listMessages, { params })
    expect(items.map(item => [item.subject, item.flags])).toEqual([['Grüße aus Köln', []]])
    const message = await run.call(api.mail.getMessage, { params: { ...params, ref: items[0]!.ref } })
    expect(message.text).toContain('Erste Nachricht')
    expect((await run.call(api.mail.listMessages, { params })).items[0]!.flags).toEqual([])

    const stats = await run.call(api.metrics.getStats)
    expect(stats.active_connections).toBeGreaterThanOrEqual(2)
    expect(stats.requests_per_minute).toBeGreaterThanOrEqual(5)
    expect(stats.active_sse_connections).toBe(1)
    expect(stats.average_response_time_ms).toBeGreaterThan(0)

    // The expiry of the server's certificate, with the next sample.
    const from = new Date(Date.now() - 600_000).toISOString()
    const daysLeft = async () => {
      const query = { series: 'certificate_days', group_by: 'protocol', account_id: account.id, from } as const
      const { groups } = await run.call(api.history.getHistory, { query })
      return groups.map(({ label, points }) => [label, Math.ceil(points.max.at(-1) ?? 0)])
    }
    await expect.poll(daysLeft).toEqual([['imap', 30]])
  })

  test('a wrong password is refused with the words of the server and nothing is kept', async () => {
    const run = await startHere()
    const answer = await run.send('POST', '/api/dashboard/accounts', login('bob', 'wrong'))
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({
      code: 'mail_login_refused',
      cause: 'login',
      part: 'imap',
      server_response: expect.stringMatching(/auth/i),
    })
    expect((await run.call(api.accounts.listAccounts)).items).toEqual([])
  })

  test('a password that changes under way stops the account, and a new one brings it back', async () => {
    const run = await startHere()
    const account = await connect(run, 'carol')
    const params = { account_id: account.id }
    const state = async () => (await run.call(api.accounts.getAccount, { params })).state
    await run.call(api.accounts.updateAccount, {
      params,
      query: { verify: 'false' },
      body: { imap: { password: 'wrong' } },
    })
    await expect.poll(state).toBe('auth_failed')
    const failed = await run.call(api.accounts.getAccount, { params })
    expect(failed.last_error).toMatchObject({ cause: 'login' })
    expect(failed.next_retry_at).toBeNull()
    await run.call(api.accounts.updateAccount, { params, body: { imap: { password: 'pw-carol' } } })
    await expect.poll(state).toBe('ready')
  })

  test('where the mail server allows one connection, the watching one makes room for the trial of a password', async () => {
    const narrow = await startDovecot({ maxConnectionsPerUser: 1 })
    onTestFinished(() => narrow.stop())
    const run = await startHere()
    const { imap, ...account } = login('bob')
    const body = { ...account, imap: { ...imap, port: narrow.imapsPort } }
    const { id } = await run.call(api.accounts.createAccount, { body })
    const params = { account_id: id }
    const state = async () => (await run.call(api.accounts.getAccount, { params })).state
    await expect.poll(state).toBe('ready')
    const wrong = await run.send('PATCH', `/api/dashboard/accounts/${id}`, { imap: { password: 'wrong' } })
    expect(await wrong.json()).toMatchObject({ code: 'mail_login_refused' })
    await run.call(api.accounts.updateAccount, { params, body: { imap: { password: 'pw-bob' } } })
    expect((await run.call(api.mail.listMessages, { params })).items).toEqual([])
    await expect.poll(state).toBe('ready')
    expect(await run.call(api.accounts.verifyAccount, { params })).toMatchObject({ imap: { ok: true } })
    await expect.poll(state).toBe('ready')
    expect((await run.call(api.mail.listMessages, { params })).items).toEqual([])
  })

  test('the account of the environment is connected at first start, and the configuration speaks of it', async () => {
    const environment = {
      IMAP_HOST: '127.0.0.1',
      IMAP_PORT: String(dovecot.imapsPort),
      IMAP_USER: 'dave@test.local',
      IMAP_PASS: 'pw-dave',
    }
    const run = await startHere({ environment })
    const state = async () => (await run.call(api.accounts.listAccounts)).items.map(account => account.state)
    await expect.poll(state).toEqual(['ready'])
    const config = await run.call(api.settings.getConfig)
    expect(config).toMatchObject({ server_address: '127.0.0.1', port: dovecot.imapsPort, use_ssl: true })
    const body = { ...config, connection_pool_size: 2, max_connections: 10 }
    expect(await run.call(api.settings.updateConfig, { body })).toEqual(body)
    const elsewhere = { ...body, port: 1 }
    expect((await run.send('PUT', '/api/dashboard/config', elsewhere)).status).toBe(400)
    const refused = await run.send('PUT', '/api/dashboard/config', { ...elsewhere, password: 'pw-dave' })
    expect(refused.status).toBe(502)
    expect(await refused.json()).toMatchObject({ cause: 'refused', part: 'imap' })
    expect(await run.call(api.settings.getConfig)).toEqual(body)
    await run.stop()
    const again = await startHere({ environment, dataDir: run.dataDir })
    expect((await again.call(api.accounts.listAccounts)).items).toHaveLength(1)
    expect(await again.call(api.settings.getConfig)).toEqual(body)
  })

  test('no password leaves by any door: answers, events, log, database file', async () => {
    const run = await startRustyMail({ environment: { RUSTYMAIL_LOG_LEVEL: 'trace' } })
    const stream = await openStream(`${run.url}/api/dashboard/events`, { authorization })
    onTestFinished(() => stream.close())
    const account = await connect(run, 'alice')
    const paths = ['accounts', `accounts/${account.id}`, 'config', 'clients', 'stats']
    const answers = await Promise.all(paths.map(async path => (await run.send('GET', `/api/dashboard/${path}`)).text()))
    const refused = await run.send('POST', '/api/dashboard/accounts', {
      ...login('bob'),
      smtp: { host: '127.0.0.1', port: 1, tls: 'implicit', user: 'bob', password: 'canary-smtp' },
    })
    await run.stop()
    const entries = readdirSync(run.dataDir, { recursive: true, withFileTypes: true }).filter(each => each.isFile())
    const files = entries.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'))
    const all = [...answers, await refused.text(), JSON.stringify(stream.events), run.log(), ...files].join('\n')
    for (const secret of ['pw-alice', 'pw-bob', 'canary-smtp', apiKey]) expect(all).not.toContain(secret)
    expect(all).toContain('alice@test.local')
  })
})
