/** Clients at providers: who sets and removes them, and where their secrets go. */
import { randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import type { OAuthProviderInput } from '../../contract/mail-oauth.ts'
import { administrator } from '../../test/support/administrator.ts'
import { principalOf } from '../../test/support/operation-world.ts'
import type { EventHub } from '../events/event-hub.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { isHostOf } from './oauth-provider.ts'
import { OAuthProviders, storedHosts } from './oauth-providers.ts'
import { OAuthFault } from './oauth-server.ts'
import type { OAuthClientRow } from './oauth-tables.ts'

async function startProviders(config = {}) {
  const published: string[] = []
  const hub = {
    transact: async (work: (transaction: unknown, publish: unknown) => unknown) =>
      work(undefined, ({ data }: { data: { changed: string[] } }) => published.push(...data.changed)),
  }
  const rows = new Map<string, OAuthClientRow>()
  const accounts = new Map<string, number>()
  const store = {
    listClients: async () => [...rows.values()],
    putClient: async (_transaction: unknown, row: OAuthClientRow) => void rows.set(row.id, row),
    deleteClient: async (_transaction: unknown, id: string) => void rows.delete(id),
    countAccounts: async () => accounts,
  }
  const server = { look: vi.fn(async () => ({ hasDeviceFlow: true })), forget: vi.fn() }
  const providers = new OAuthProviders({
    ...{ store, server },
    config: { google: undefined, microsoft: undefined, ...config },
    secrets: new SecretBox(randomBytes(32)),
    hub: hub as unknown as Pick<EventHub, 'transact'>,
    baseUrl: () => 'https://mail.example.org',
    now: Date.now,
  })
  await providers.start()
  const set = (id: string, more: object = {}) =>
    providers.set(administrator(), id, {
      client_id: `of ${id}`,
      client_secret: 'canary',
      ...more,
    } as OAuthProviderInput)
  return { providers, store, server, rows, accounts, published, set }
}

const custom = (host = 'login.example.org') => ({
  ...{ name: 'Example', metadata_url: `https://${host}`, imap_hosts: [`imap.${host}`], smtp_hosts: [`smtp.${host}`] },
  ...{ domains: [], scopes: { read: ['mail.read'], send: ['mail.send'] } },
})

test('two clients that are set at the same time are both known, and stay so without a restart', async () => {
  const { providers, set } = await startProviders()
  await Promise.all([set('google'), set('microsoft')])
  expect(['google', 'microsoft'].map(id => providers.isReady(id))).toEqual([true, true])
})

test('a client is removed by users alone, once no account signs in by it, and not if the environment sets it', async () => {
  const { providers, server, rows, accounts, published, set } = await startProviders({ google: { clientId: 'me' } })
  await set('example', { custom: custom() })
  expect((await providers.list()).map(({ id }) => id)).toEqual(['google', 'microsoft', 'example'])
  const remove = (id: string, principal = administrator()) => providers.delete(principal, id)
  await expect(remove('example', principalOf('token'))).rejects.toMatchObject({ code: 'session_needed' })
  await expect(remove('google')).rejects.toMatchObject({ code: 'not_possible_now' })
  await expect(remove('microsoft')).rejects.toMatchObject({ code: 'oauth_provider_not_found' })
  accounts.set('example', 1)
  await expect(remove('example')).rejects.toMatchObject({
    code: 'not_possible_now',
    message: expect.stringMatching(/^1 account signs/),
  })
  accounts.set('example', 2)
  await expect(remove('example')).rejects.toMatchObject({ message: expect.stringMatching(/^2 accounts sign/) })
  expect([rows.has('example'), providers.isReady('example')]).toEqual([true, true])
  accounts.clear()
  server.forget.mockClear()
  await remove('example')
  expect([rows.has('example'), providers.isReady('example')]).toEqual([false, false])
  expect(server.forget).toHaveBeenCalledWith('example')
  expect(published).toEqual(['oauth.example', 'oauth.example'])
})

test('a stored secret stays with the client and the place that it was entered for', async () => {
  const { providers, set } = await startProviders()
  await set('example', { custom: custom() })
  const secretAfter = async (more: object) => {
    await set('example', { client_secret: undefined, custom: custom(), ...more })
    const { clientSecret } = providers.get('example')
    await set('example', { custom: custom() })
    return clientSecret
  }
  expect(await secretAfter({ custom: { ...custom(), name: 'Another name' } })).toBe('canary')
  expect(await secretAfter({ custom: custom('elsewhere.example.net') })).toBeUndefined()
  expect(await secretAfter({ client_id: 'another' })).toBeUndefined()
  expect(await secretAfter({ client_secret: null })).toBeUndefined()
  await set('google')
  await set('google', { client_secret: undefined })
  expect(providers.get('google').clientSecret).toBe('canary')
  expect((await providers.list()).map(({ id }) => id)).toEqual(['google', 'microsoft', 'example'])
})

test('a provider whose metadata cannot be read is not set, and read again the next time', async () => {
  const { providers, server, set } = await startProviders()
  server.look.mockRejectedValueOnce(new OAuthFault('away', new Error('nobody answers'), []))
  await expect(set('example', { custom: custom() })).rejects.toMatchObject({ code: 'oauth_unreachable' })
  expect(server.forget).toHaveBeenCalledTimes(2)
  server.look.mockRejectedValueOnce(new TypeError('a bug'))
  await expect(set('example', { custom: custom() })).rejects.toBeInstanceOf(TypeError)
  expect(providers.isReady('example')).toBe(false)
})

test('tokens go to the hosts of their provider, and not to others of a like name', async () => {
  const { store, set } = await startProviders()
  await set('example', { custom: custom() })
  await set('google')
  const hosts = (id: string) => Promise.all([storedHosts(store, id, 'imap'), storedHosts(store, id, 'smtp')])
  expect(await hosts('example')).toEqual([['imap.login.example.org'], ['smtp.login.example.org']])
  expect((await hosts('google')).map(([first]) => first)).toEqual(['imap.gmail.com', 'smtp.gmail.com'])
  expect(await hosts('nobody')).toEqual([[], []])
  const isOurs = (host: string) => isHostOf(['imap.example.org', '*.mail.example.org'], host)
  expect(['imap.example.org', 'IMAP.Example.org.', 'a.mail.example.org'].map(isOurs)).toEqual([true, true, true])
  const others = [
    'example.org',
    'mail.example.org',
    'amail.example.org',
    'a.mail.example.org.evil.example',
    'ximap.example.org',
  ]
  expect(others.filter(isOurs)).toEqual([])
})
