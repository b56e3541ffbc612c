/** Private networks that are allowed while the server runs: who may allow them, which, and what follows from it. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { accountsOn } from '../../test/support/accounts.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { migrations } from '../migrations.ts'
import { type Database, openDatabase } from '../platform/database/database.ts'
import { migrate } from '../platform/database/migrate.ts'
import { type Address, OutboundGuard } from '../platform/network/outbound-guard.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { NetworkService } from './network-service.ts'
import { SettingStore } from './setting-store.ts'

const rights = { userId: 'u1', scopes: everyScope, accounts: 'all' } as const
const admin: Principal = { id: 'session-1', name: 'Ada', kind: 'session', ...rights }
const configured = ['10.0.0.0/8']
const forMail = (networks: readonly string[]) => ({ networks, servers: 'mail' }) as const

async function serviceOn(db: Database, resolve?: (host: string) => Promise<Address[]>) {
  const { accounts, health, hub, facts } = await accountsOn(db)
  const guard = new OutboundGuard({ privateNetworks: configured, trusted: [], ...(resolve ? { resolve } : {}) })
  const models = new OutboundGuard({ privateNetworks: configured, trusted: [] })
  const start = async () => {
    const networks = new NetworkService({
      store: new SettingStore(db),
      accounts,
      health,
      hub,
      guard,
      models,
      configured,
    })
    await networks.start()
    return networks
  }
  const reconnected: string[] = []
  accounts.onReconnect(id => void reconnected.push(id))
  const connect = async (host: string) => {
    const imap = { host, port: 993, tls: 'implicit', user: host, password: 'x' } as const
    return accounts.add({ email: 'ann@example.com', name: host, imap, enabled: true }, { isSandbox: false })
  }
  const isOpen = (address: string, to = guard) =>
    to.check(address, 993).then(
      () => true,
      () => false,
    )
  const isOpenForModels = (address: string) => isOpen(address, models)
  return { networks: await start(), start, connect, health, reconnected, isOpen, isOpenForModels, hub, facts }
}

onEachDatabase((open, url) => {
  test('what is allowed for model providers opens nothing for mail servers, nor the other way round', async () => {
    const db = await open()
    const { networks, start, isOpen, isOpenForModels, connect, reconnected } = await serviceOn(db)
    await connect('127.0.0.1')
    await networks.allow(admin, { networks: ['127.0.0.1'], servers: 'models' })
    expect([await isOpenForModels('127.0.0.1'), await isOpen('127.0.0.1')]).toEqual([true, false])
    await networks.allow(admin, forMail(['127.0.0.1', '192.168.1.1']))
    expect(await isOpenForModels('192.168.1.1')).toBe(false)
    const again = await start()
    expect(again.list().allowed.map(({ network, servers }) => [network, servers])).toEqual([
      ['127.0.0.1/32', 'models'],
      ['127.0.0.1/32', 'mail'],
      ['192.168.1.1/32', 'mail'],
    ])
    reconnected.length = 0
    await again.forbid(admin, '127.0.0.1', 'models')
    expect([await isOpenForModels('127.0.0.1'), await isOpen('127.0.0.1')]).toEqual([false, true])
    expect(reconnected).toEqual([])
    await expect(again.forbid(admin, '127.0.0.1', 'models')).rejects.toMatchObject({ code: 'network_not_found' })
  })

  test('an allowed network takes effect immediately and survives a restart, by canonical name and with the user that allowed it; removed, it is closed', async () => {
    const { networks, start, isOpen, facts } = await serviceOn(await open())
    expect(networks.list()).toEqual({ configured, allowed: [] })
    const tried: string[] = []
    await networks.allow(admin, forMail(['192.168.1.77/24', 'fd12:3456::5', '192.168.1.1/24']), all =>
      tried.push(...all),
    )
    expect(tried).toEqual(['192.168.1.0/24', 'fd12:3456::5/128', '192.168.1.0/24'])
    const known = [
      ['192.168.1.0/24', 'Ada'],
      ['fd12:3456::5/128', 'Ada'],
    ]
    const listed = ({ allowed }: ReturnType<typeof networks.list>) =>
      allowed.map(({ network, allowed_by }) => [network, allowed_by])
    expect(listed(networks.list())).toEqual(known)
    expect([await isOpen('192.168.1.9'), await isOpen('10.1.1.1'), await isOpen('192.168.2.9')]).toEqual([
      true,
      true,
      false,
    ])
    // Nothing changes, so nothing is announced.
    await networks.allow(admin, forMail(['192.168.1.0/24']))
    const again = await start()
    expect(listed(again.list())).toEqual(known)
    expect(listed(await again.forbid(admin, '192.168.1.5/24', 'mail'))).toEqual(known.slice(1))
    expect([await isOpen('192.168.1.9'), await isOpen('fd12:3456::5')]).toEqual([false, true])
    const changes = facts().filter(({ type }) => type === 'configuration_updated')
    expect(changes.map(({ data }) => data)).toMatchObject([
      { changed: ['private_networks'], principal: 'Ada' },
      { changed: ['private_networks'], principal: 'Ada' },
    ])
  })

  test.each([
    '8.8.8.8',
    '169.254.169.254',
    '100.100.100.200',
    '0.0.0.0/0',
    '10.0.0.0/7',
    'fe80::1',
    '::ffff:169.254.169.254',
    'mail.example',
    '192.168.1.0/33',
  ])('%s cannot be allowed', async network => {
    const { networks, facts } = await serviceOn(await open())
    await expect(networks.allow(admin, forMail(['192.168.1.1', network]))).rejects.toMatchObject({
      code: 'bad_request',
      extension: { errors: [{ path: 'body.networks.1' }] },
    })
    expect([networks.list().allowed, facts()]).toEqual([[], []])
  })

  test('neither a token nor a principal that sees only some accounts can change it', async () => {
    const { networks } = await serviceOn(await open())
    const token: Principal = { id: 'token-1', name: 'Token', kind: 'token', ...rights }
    const narrow: Principal = { ...admin, accounts: new Set(['a']) }
    await expect(networks.allow(token, forMail(['10.0.0.1']))).rejects.toMatchObject({ code: 'session_needed' })
    await expect(networks.forbid(token, '10.0.0.1', 'mail')).rejects.toMatchObject({ code: 'session_needed' })
    await expect(networks.allow(narrow, forMail(['10.0.0.1']))).rejects.toMatchObject({ code: 'beyond_own_rights' })
    await expect(networks.forbid(narrow, '10.0.0.1', 'mail')).rejects.toMatchObject({ code: 'beyond_own_rights' })
  })

  test('what cannot be kept is not in force, also when it is the commit that fails', async () => {
    const { networks, hub, facts } = await serviceOn(await open())
    const transact = hub.transact.bind(hub)
    vi.spyOn(hub, 'transact').mockImplementationOnce(work =>
      transact(async (transaction, publish) => {
        await work(transaction, publish)
        throw new Error('the commit failed')
      }),
    )
    await expect(networks.allow(admin, forMail(['192.168.1.1']))).rejects.toThrow('the commit failed')
    expect([networks.list().allowed, facts()]).toEqual([[], []])
    expect((await networks.allow(admin, forMail(['192.168.1.1']))).allowed).toHaveLength(1)
  })

  test('what the environment allows is changed there, and what is unknown is not found', async () => {
    const { networks } = await serviceOn(await open())
    await expect(networks.forbid(admin, '10.0.0.0/8', 'mail')).rejects.toMatchObject({
      code: 'network_not_found',
      message: expect.stringContaining('RUSTYMAIL_PRIVATE_NETWORKS'),
    })
    await expect(networks.forbid(admin, 'nothing', 'mail')).rejects.toMatchObject({ code: 'network_not_found' })
  })

  test('a hundred at most, and at the same time as well', async () => {
    const { networks } = await serviceOn(await open())
    const sixteen = (nth: number) => Array.from({ length: 16 }, (_item, index) => `192.168.${nth}.${index}`)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 7 }, (_item, nth) => networks.allow(admin, forMail(sixteen(nth)))),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(6)
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'too_many_networks' },
    })
    expect(networks.list().allowed).toHaveLength(96)
  })

  test('what cannot be kept is not in force', async () => {
    // A database of its own, since it does not stay intact.
    const db = openDatabase(await url())
    onTestFinished(() => db.destroy())
    await migrate(db, migrations)
    const { networks, isOpen } = await serviceOn(db)
    await db.schema.dropTable('settings').execute()
    await expect(networks.allow(admin, forMail(['192.168.1.9']))).rejects.toThrow(/settings/)
    expect([networks.list().allowed, await isOpen('192.168.1.9')]).toEqual([[], false])
  })

  test('accounts that wait for it are connected when it is allowed, and those inside are cut when it is taken back', async () => {
    const elsewhere = async () => [{ address: '93.184.215.14', family: 4 } as const]
    const { networks, connect, health, reconnected } = await serviceOn(await open(), elsewhere)
    const [inside, outside, named] = [
      await connect('192.168.1.9'),
      await connect('93.184.215.14'),
      await connect('rebound.example'),
    ]
    const last_error = { detail: '', server_response: null, at: new Date().toISOString() }
    health.set(inside, { state: 'unreachable', lastError: { ...last_error, cause: 'private_network' } })
    health.set(outside, { state: 'unreachable', lastError: { ...last_error, cause: 'timeout' } })
    await networks.allow(admin, forMail(['192.168.1.9']))
    expect(reconnected.splice(0)).toEqual([inside.id])
    await networks.forbid(admin, '192.168.1.9', 'mail')
    // The name resolves to an outside address now; the connection may have been made to an inside one.
    expect(reconnected.sort()).toEqual([inside.id, named.id].sort())
  })
})
