/** What the authorization server stores: under digests, bounded, used once, and gone with the token of its connection. */
import { randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { patience } from '../../test/support/patience.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { type McpAuthOptions, McpAuthService } from './mcp-auth-service.ts'
import { McpAuthStore } from './mcp-auth-store.ts'
import { RecordAdapter } from './record-adapter.ts'

const start = Date.parse('2026-11-29T08:00:00Z')

async function setUp(db: Database) {
  let now = start
  const ended: string[] = []
  const issued: string[] = []
  await db
    .insertInto('users')
    .values(aUser({ id: 'ann' }))
    .execute()
  const row = { prefix: 'rm_', user_id: 'ann', name: 'Client', scopes: '["mail:read"]', accounts: '["a"]' }
  const none = { allowed_addresses: '[]', expires_at: null, last_used_at: null, last_used_address: null }
  const oauth_client = '{}'
  const created_at = new Date(start).toISOString()
  for (const id of ['one', 'two']) {
    const token = { id, token_hash: id, created_at, oauth_client, ...row, ...none }
    await db.insertInto('api_tokens').values(token).execute()
  }
  const store = new McpAuthStore(db)
  const tokens = {
    issueSecret: async (token: string) => void issued.push(token),
    endSecret: async () => undefined,
    findConnection: async () => ({
      userId: 'ann',
      rights: { scopes: ['mail:meta' as const], accounts: ['a'] },
      endsAt: undefined,
    }),
    endConnection: async (id: string) => {
      ended.push(id)
      await db.deleteFrom('api_tokens').where('id', '=', id).execute()
    },
  }
  const secrets = new SecretBox(randomBytes(32))
  const around = { store, secrets, tokens, origin: 'https://mail.example.org', usedBefore: () => new Error('used') }
  const adapter = (kind: string, most?: number) =>
    new RecordAdapter(kind, { ...around, now: () => now, ...(most !== undefined && { most }) })
  const count = async () => (await db.selectFrom('mcp_auth_records').select('id').execute()).length
  return { adapter, store, ended, issued, count, pass: (ms: number) => (now += ms) }
}

onEachDatabase(open => {
  test('nothing is stored in words; what has ended is not found, and is pruned', async () => {
    const db = await open()
    const { adapter, store, count, pass } = await setUp(db)
    const codes = adapter('AuthorizationCode')
    await codes.upsert('the-code', { grantId: 'one', accountId: 'ann' }, 60)
    const rows = await db.selectFrom('mcp_auth_records').selectAll().execute()
    expect(JSON.stringify(rows)).not.toMatch(/the-code|ann/)
    expect(await codes.find('the-code')).toEqual({ grantId: 'one', accountId: 'ann' })
    expect(await adapter('RefreshToken').find('the-code')).toBeUndefined()
    pass(60_000)
    expect(await codes.find('the-code')).toBeUndefined()
    await store.prune(new Date(start + 60_001).toISOString())
    expect(await count()).toBe(0)
  })

  test('of many that use a code at once one succeeds, and the connection of it ends with all that it has', async () => {
    const { adapter, ended, count } = await setUp(await open())
    const codes = adapter('AuthorizationCode')
    await codes.upsert('code', { grantId: 'one' }, 60)
    await adapter('RefreshToken').upsert('refresh', { grantId: 'one' }, 600)
    await adapter('RefreshToken').upsert('other', { grantId: 'two' }, 600)
    const used = await Promise.allSettled([1, 2, 3, 4].map(() => codes.consume('code')))
    expect(used.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(new Set(ended)).toEqual(new Set(['one']))
    expect(await adapter('RefreshToken').find('refresh')).toBeUndefined()
    expect(await adapter('RefreshToken').find('other')).toEqual({ grantId: 'two' })
    expect(await count()).toBe(1)
  })

  test('a used one is known as such; a grant has the rights that its token has now', async () => {
    const { adapter } = await setUp(await open())
    const tokens = adapter('RefreshToken')
    await tokens.upsert('refresh', { grantId: 'one' }, 600)
    await tokens.consume('refresh')
    expect(await tokens.find('refresh')).toEqual({ grantId: 'one', consumed: start / 1_000 })
    const grants = adapter('Grant')
    await grants.upsert('one', { accountId: 'ann', resources: { there: 'mail:read mail:send' } }, 600)
    expect(await grants.find('one')).toMatchObject({ resources: { there: 'mail:meta' } })
    await grants.upsert('two', { accountId: 'bob', resources: {} }, 600)
    expect(await grants.find('two')).toBeUndefined()
  })

  test('registered clients are bounded: unused ones are evicted first, and expire after an hour', async () => {
    const { adapter, issued, pass } = await setUp(await open())
    const clients = adapter('Client', 20)
    await clients.upsert('used', { client_id: 'used' })
    await adapter('AccessToken').upsert('token', { grantId: 'one', clientId: 'used' }, 3_600)
    expect(issued).toEqual(['token'])
    for (let index = 0; index < 25; index++) {
      pass(1)
      await clients.upsert(`client-${index}`, { client_id: `client-${index}` })
    }
    expect(await clients.find('used')).toEqual({ client_id: 'used' })
    expect(await clients.find('client-0')).toBeUndefined()
    expect(await clients.find('client-24')).toEqual({ client_id: 'client-24' })
    pass(60 * 60_000)
    expect(await clients.find('client-24')).toBeUndefined()
    expect(await clients.find('used')).toEqual({ client_id: 'used' })
  })

  test('a connection that has neither a code nor a token left is found, a living one is not', async () => {
    const { adapter, store } = await setUp(await open())
    await adapter('RefreshToken').upsert('refresh', { grantId: 'one' }, 600)
    const at = (seconds: number) => new Date(start + seconds * 1_000).toISOString()
    expect(await store.listDead(at(1), at(2))).toEqual(['two'])
    expect(await store.listDead(at(0), at(2))).toEqual([])
    await adapter('RefreshToken').consume('refresh')
    expect((await store.listDead(at(1), at(2))).sort()).toEqual(['one', 'two'])
  })
})

test('the switch of one process is followed by the others: what clients have open there ends when it is off', async () => {
  let stored: unknown
  const listeners = new Set<(data: { changed: string[] }) => void>()
  const settings = {
    find: async () => stored,
    save: async (_transaction: unknown, _name: string, value: unknown) => {
      stored = value
    },
  }
  const hub = {
    listen: (_type: string, listener: (data: { changed: string[] }) => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    transact: async (
      work: (transaction: unknown, tell: (fact: { data: { changed: string[] } }) => void) => unknown,
    ) => {
      const facts: { data: { changed: string[] } }[] = []
      await work({}, fact => void facts.push(fact))
      for (const { data } of facts) for (const listener of listeners) listener(data)
    },
  }
  const onEach = () => {
    const cuts: number[] = []
    const tokens = { cutConnections: async () => void cuts.push(1) }
    const options = { settings, hub, tokens, now: Date.now, logger: createLogger('silent') }
    return { cuts, service: new McpAuthService(options as unknown as McpAuthOptions) }
  }
  const [one, other] = [onEach(), onEach()]
  for (const { service } of [one, other]) await service.start()
  const principal = { name: 'Ann', accounts: 'all' } as Principal
  const turn = (enabled: boolean) => one.service.set({ principal, origin: 'https://mail.example.org' }, enabled)
  expect(await turn(true)).toMatchObject({ enabled: true })
  await vi.waitFor(() => expect(other.service.isOn).toBe(true), patience)
  expect(await turn(false)).toMatchObject({ enabled: false })
  await vi.waitFor(() => expect([other.service.isOn, other.cuts.length]).toEqual([false, 1]), patience)
  // A switch that this process has not learned of must not be taken for an old one.
  stored = true
  expect(await turn(false)).toMatchObject({ enabled: false })
  expect(stored).toBe(false)
  for (const { service } of [one, other]) await service.stop()
  expect(listeners.size).toBe(0)
})
