/** The plan's configuration: the default account's server and the limits of the pool, changed live. */

import { expect, test, vi } from 'vitest'
import type { ImapConfiguration } from '../../contract/settings.ts'
import { accountsOn } from '../../test/support/accounts.ts'
import { administrator } from '../../test/support/administrator.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import type { Database } from '../platform/database/database.ts'
import type { Principal } from '../platform/principal.ts'
import { SettingStore } from './setting-store.ts'
import { SettingsService } from './settings-service.ts'

const admin = administrator()

async function service(db: Database, refuse = false, store = new SettingStore(db)) {
  const { accounts, hub, facts } = await accountsOn(db, refuse)
  const settings = new SettingsService({ store, accounts, hub })
  const connect = () => {
    const server = { host: 'mail.example.com', port: 993, tls: 'implicit', user: 'ann', password: 'x' } as const
    return accounts.add({ email: 'ann@example.com', imap: server, enabled: true }, { isSandbox: false })
  }
  return { settings, accounts, hub, facts, connect }
}

const wanted: ImapConfiguration = {
  server_address: 'mail.example.com',
  port: 993,
  use_ssl: true,
  connection_timeout_seconds: 20,
  max_connections: 50,
  connection_pool_size: 3,
}

class FullStore extends SettingStore {
  override save(): Promise<void> {
    return Promise.reject(new Error('the disk is full'))
  }
}

onEachDatabase(open => {
  test('server and limits are kept together or not at all, whether a row cannot be written or the commit fails', async () => {
    const db = await open()
    const change = { ...wanted, server_address: 'other.example.com', password: 'x' }
    const full = await service(db, false, new FullStore(db))
    const { id } = await full.connect()
    const before = await full.settings.getConfig(admin)
    await expect(full.settings.updateConfig(admin, change, false)).rejects.toThrow('the disk is full')
    expect(await full.settings.getConfig(admin)).toEqual(before)
    expect((await full.accounts.get(admin, id)).imap.host).toBe('mail.example.com')

    const { settings, hub, facts } = await service(db)
    const transact = hub.transact.bind(hub)
    // The facts are the last that is written.
    const failing = vi.spyOn(hub, 'transact').mockImplementation(work =>
      transact(async (transaction, publish) => {
        await work(transaction, publish)
        throw new Error('the commit failed')
      }),
    )
    const limited = { ...before, max_connections: 7 }
    await expect(settings.updateConfig(admin, limited, false)).rejects.toThrow('the commit failed')
    expect(settings.limits).toEqual(full.settings.limits)
    failing.mockRestore()
    expect(facts().filter(({ type }) => type !== 'account_added')).toEqual([])
    expect(await settings.updateConfig(admin, limited, false)).toEqual(limited)
  })

  test('numbers under a name are higher each time, also when the clock was set back', async () => {
    const db = await open()
    const { settings } = await service(db)
    const first = await settings.nextNumber('one')
    const second = await settings.nextNumber('one')
    expect(second).toBeGreaterThan(first)
    const later = 4_000_000_000
    await new SettingStore(db).save(db, 'one', later, new Date().toISOString())
    expect(await settings.nextNumber('one')).toBe(later + 1)
    expect(await settings.nextNumber('two')).toBeLessThan(later)
  })

  test('unless it was set, the limit of connections follows the accounts, also after something else was set', async () => {
    const db = await open()
    const { settings, accounts, connect } = await service(db)
    await settings.start()
    await connect()
    const others = Array.from({ length: 99 }, (_, number) => {
      const server = {
        host: 'mail.example.com',
        port: 993,
        tls: 'implicit',
        user: `user${number}`,
        password: 'x',
      } as const
      return { email: `user${number}@example.com`, imap: server, enabled: true }
    })
    for (const other of others) await accounts.add(other, { isSandbox: false })
    await settings.followAccounts()
    expect(settings.limits.max_connections).toBe(250)
    const before = await settings.getConfig(admin)
    await settings.updateConfig(admin, { ...before, connection_pool_size: 2 }, false)
    for (const { id } of (await accounts.list(admin)).slice(0, 70)) await accounts.delete(admin, id)
    await settings.followAccounts()
    expect(settings.limits).toMatchObject({ max_connections: 100, connection_pool_size: 2 })
    await settings.updateConfig(admin, { ...(await settings.getConfig(admin)), max_connections: 77 }, false)
    await settings.followAccounts()
    expect(settings.limits.max_connections).toBe(77)
    const restarted = (await service(db)).settings
    await restarted.start()
    expect(restarted.limits).toMatchObject({ max_connections: 77, connection_pool_size: 2 })
  })

  test('without an account there is nothing to configure', async () => {
    const { settings } = await service(await open())
    await expect(settings.getConfig(admin)).rejects.toMatchObject({ code: 'no_default_account' })
    await expect(settings.updateConfig(admin, wanted, true)).rejects.toMatchObject({ code: 'no_default_account' })
  })

  test('a principal that may not see the default account gets the same answer as when there is none', async () => {
    const { settings, connect } = await service(await open())
    const stranger: Principal = { ...admin, accounts: new Set(['another']) }
    const refusals = () =>
      Promise.allSettled([settings.getConfig(stranger), settings.updateConfig(stranger, wanted, false)])
    const before = await refusals()
    await connect()
    expect(await refusals()).toEqual(before)
    expect(before).toMatchObject([
      { reason: { code: 'no_default_account' } },
      { reason: { code: 'beyond_own_rights' } },
    ])
  })

  test('a principal that sees only some accounts reads the configuration, but cannot change what applies to all', async () => {
    const { settings, facts, connect } = await service(await open())
    const account = await connect()
    const narrow: Principal = { ...admin, accounts: new Set([account.id]) }
    const config = await settings.getConfig(narrow)
    for (const change of [{ max_connections: 60 }, { server_address: 'other.example.com' }, {}]) {
      const work = settings.updateConfig(narrow, { ...config, ...change }, false)
      await expect(work).rejects.toMatchObject({ code: 'beyond_own_rights' })
    }
    expect(await settings.getConfig(admin)).toEqual(config)
    expect(facts().map(({ type }) => type)).toEqual(['account_added'])
  })

  test('changed limits take effect immediately, outlive a restart, and are announced by name', async () => {
    const db = await open()
    const { settings, facts, connect } = await service(db)
    await connect()
    expect(await settings.updateConfig(admin, wanted, true)).toEqual(wanted)
    expect(settings.limits).toMatchObject({ connection_pool_size: 3 })
    const announced = facts().flatMap(fact => (fact.type === 'configuration_updated' ? [fact.data.changed.sort()] : []))
    expect(announced).toEqual([['connection_pool_size', 'connection_timeout_seconds', 'max_connections']])
    const { settings: restarted } = await service(db)
    await restarted.start()
    expect(await restarted.getConfig(admin)).toEqual(wanted)
  })

  test('a server that refuses is not kept, and neither are the limits beside it', async () => {
    const { settings, connect } = await service(await open(), true)
    await connect()
    const tried: string[] = []
    const hear = (fields: readonly string[]) => void tried.push(...fields)
    const before = await settings.getConfig(admin)
    const kept = { ...wanted, server_address: 'other.example.com' }
    const change = { ...kept, password: 'x' }
    const refused = settings.updateConfig(admin, change, true, hear)
    await expect(refused).rejects.toMatchObject({ code: 'mail_login_refused' })
    // The trail knows what was tried.
    expect(tried).toEqual([
      'server_address',
      'connection_timeout_seconds',
      'max_connections',
      'connection_pool_size',
      'password',
    ])
    expect(await settings.getConfig(admin)).toEqual(before)
    expect(await settings.updateConfig(admin, change, false)).toEqual(kept)
  })

  test('another server gets no password that was given for the one before', async () => {
    const { settings, accounts, connect } = await service(await open())
    const { id } = await connect()
    const elsewhere = { ...wanted, server_address: 'other.example.com' }
    for (const verify of [true, false]) {
      await expect(settings.updateConfig(admin, elsewhere, verify)).rejects.toMatchObject({
        code: 'bad_request',
        extension: { errors: [{ path: 'body.password' }] },
      })
    }
    expect((await accounts.login(id)).host).toBe('mail.example.com')
    await settings.updateConfig(admin, { ...elsewhere, password: 'for the other one' }, true)
    expect(await accounts.login(id)).toMatchObject({ host: 'other.example.com', password: 'for the other one' })
  })

  test('"no SSL" means STARTTLS over a network and no TLS only on this machine', async () => {
    const { settings, accounts, connect } = await service(await open())
    const { id } = await connect()
    await settings.updateConfig(admin, { ...wanted, port: 143, use_ssl: false }, true)
    expect((await accounts.get(admin, id)).imap.tls).toBe('starttls')
    await settings.updateConfig(admin, { ...wanted, use_ssl: true }, true)
    await settings.updateConfig(admin, { ...wanted, server_address: '127.0.0.1', use_ssl: false, password: 'x' }, true)
    expect((await accounts.get(admin, id)).imap.tls).toBe('none')
  })

  test('what stays the same is not announced', async () => {
    const { settings, facts, connect } = await service(await open())
    await connect()
    await settings.updateConfig(admin, await settings.getConfig(admin), true)
    expect(facts().map(fact => fact.type)).toEqual(['account_added'])
  })
})
