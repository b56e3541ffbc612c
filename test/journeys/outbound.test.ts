/** What the operator names in the environment is trusted for that purpose, and for nothing else. */
import { expect, onTestFinished, test } from 'vitest'
import { accountsApi } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { settingsApi } from '../../contract/settings.ts'
import { SandboxServer } from '../../sandbox/sandbox-server.ts'
import { startApp } from '../support/people.ts'

test('a model on this machine does not let people name this machine as their mail server', async () => {
  const environment = {
    RUSTYMAIL_PRIVATE_NETWORKS: '',
    OLLAMA_BASE_URL: 'http://localhost:11434',
    OLLAMA_MODEL: 'small',
    IMAP_HOST: '127.0.0.1',
    IMAP_USER: 'ann@example.com',
    IMAP_PASS: 'secret',
  }
  const { people } = await startApp({ environment })
  const connect = async (host: string) => {
    const imap = { host, port: 1, tls: 'implicit', user: 'eve', password: 'secret' }
    const path = api.accounts.createAccount.path
    const { text } = await people.ask(people.admin, 'POST', path, { email: 'eve@example.com', imap })
    return (JSON.parse(text) as { code: string }).code
  }
  expect(await connect('localhost')).toBe('address_refused')
  expect(await connect('127.0.0.1')).toBe('mail_server_unreachable')
})

test('a mailbox on a private network is named as such, opened by an administrator at once, and closed again at once', async () => {
  const box = new SandboxServer()
  onTestFinished(() => box.stop())
  const { host, imapPort, smtpPort, user, password, email } = await box.start()
  const { people } = await startApp({ environment: { RUSTYMAIL_PRIVATE_NETWORKS: '' } })
  const { admin } = people
  const login = { host, tls: 'none', user, password }
  const body = { email, imap: { ...login, port: imapPort }, smtp: { ...login, port: smtpPort } }
  const { path } = api.accounts.createAccount
  const networksPath = settingsApi.listPrivateNetworks.path

  const refused = await people.ask(admin, 'POST', path, body)
  expect([refused.status, JSON.parse(refused.text)]).toMatchObject([
    422,
    {
      code: 'address_refused',
      cause: 'private_network',
      part: 'imap',
      networks: ['127.0.0.1/32'],
      setting: 'RUSTYMAIL_PRIVATE_NETWORKS=127.0.0.1/32',
    },
  ])
  const { id } = await people.tell<{ id: string }>(admin, 'POST', `${path}?verify=false`, body)
  const state = async () => {
    const account = accountsApi.getAccount.response.parse(await people.tell(admin, 'GET', `${path}/${id}`))
    return [account.state, account.last_error?.cause, account.last_error?.networks]
  }
  const closed = ['unreachable', 'private_network', ['127.0.0.1/32']]
  await expect.poll(state).toEqual(closed)
  const verify = async () => JSON.parse((await people.ask(admin, 'POST', `${path}/${id}/verify`)).text)
  const part = { ok: false, cause: 'private_network', networks: ['127.0.0.1/32'] }
  expect(await verify()).toMatchObject({ imap: part, smtp: part })

  const token = await people.token(['dashboard:admin'], [id])
  const operator = await people.invite('operator')
  const refusals = [token, operator].map(async ({ proof }) => {
    const { text } = await people.ask(proof, 'POST', networksPath, { networks: ['127.0.0.1'] })
    return (JSON.parse(text) as { code: string }).code
  })
  expect(await Promise.all(refusals)).toEqual(['session_needed', 'forbidden'])
  expect(await state()).toEqual(closed)

  await people.tell(admin, 'POST', networksPath, { networks: ['127.0.0.1'] })
  await expect.poll(state).toEqual(['ready', undefined, undefined])
  expect(await verify()).toMatchObject({ imap: { ok: true }, smtp: { ok: true } })
  const folders = `/api/v1/accounts/${id}/folders`
  expect((await people.ask(admin, 'GET', folders)).status).toBe(200)

  await people.tell(admin, 'DELETE', `${networksPath}/${encodeURIComponent('127.0.0.1/32')}`)
  await expect.poll(state).toEqual(closed)
  const { text } = await people.ask(admin, 'GET', folders)
  expect(JSON.parse(text)).toMatchObject({ code: 'address_refused', cause: 'private_network' })

  const trail = await people.tell<{ items: { operation: string; refs: object }[] }>(
    admin,
    'GET',
    `${api.audit.listAudit.path}?operation=settings`,
  )
  const deeds = trail.items.map(({ operation, refs }) => [operation, refs])
  expect(deeds).toContainEqual(['settings.allowPrivateNetworks', { networks: '127.0.0.1/32', servers: 'mail' }])
  expect(deeds).toContainEqual(['settings.forbidPrivateNetwork', { network: '127.0.0.1/32' }])
})
