/** Of several processes one watches an account, and another begins when it is gone. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { keepAccount, WatchedAccounts } from '../../test/support/watched-accounts.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { LeaseService } from '../leases/lease-service.ts'
import { LeaseStore } from '../leases/lease-store.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { FolderStateStore } from './folder-state-store.ts'
import { MailWatcher } from './mail-watcher.ts'

const logger = createLogger('silent')
const login: MailLogin = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' }

/** A server of several: with a hub and connections of its own. */
async function startServer(db: Database) {
  await keepAccount(db, 'a')
  const logins = new Map([['a', login]])
  const mail = new WatchedAccounts({ gateway: new MemoryGateway(), logins }, await startHub(db))
  const times = { leaseMs: 3_600_000, renewEveryMs: 10, marginMs: 0 }
  const leases = new LeaseService({ store: new LeaseStore(db), isAlone: false, renews: true, times, logger })
  await leases.start()
  const accounts = {
    listEnabled: async () => [{ id: 'a', name: 'a', host: 'memory', port: 143, user: 'a' }],
    onReconnect: () => () => undefined,
  }
  const { pool, hub, refs, health } = mail
  const watcher = new MailWatcher({
    accounts,
    states: new FolderStateStore(db),
    pool,
    hub,
    refs,
    health,
    logger,
    leases,
  })
  await watcher.start()
  const watching = () => pool.connections('a')?.watching ?? 0
  const stop = async () => {
    await watcher.stop()
    await leases.stop()
    await mail.stop()
  }
  onTestFinished(stop)
  return { mail, watching, stop }
}

onEachDatabase(open => {
  test('an account is watched by one, by the other when that has stopped, and by none that lost it', async () => {
    const db = await open()
    const one = await startServer(db)
    await expect.poll(one.watching).toBe(1)
    const other = await startServer(db)
    const held = await db.selectFrom('leases').selectAll().where('name', '=', 'watch:a').executeTakeFirstOrThrow()
    await one.stop()
    await expect.poll(other.watching).toBe(1)
    const next = await db.selectFrom('leases').selectAll().where('name', '=', 'watch:a').executeTakeFirstOrThrow()
    expect(next.token).toBeGreaterThan(held.token)
    expect(next.holder).not.toBe(held.holder)

    await db.updateTable('leases').set({ holder: 'a third', held_until: 9e12 }).execute()
    await expect.poll(other.watching).toBe(0)
    await db.updateTable('leases').set({ holder: null, held_until: 0 }).execute()
    await expect.poll(other.watching).toBe(1)
  })

  test('of an account that was removed no lease is left', async () => {
    const db = await open()
    const { mail, watching } = await startServer(db)
    await expect.poll(watching).toBe(1)
    mail.announce('account_removed')
    const leases = () => db.selectFrom('leases').select('name').execute()
    await vi.waitFor(async () => expect(await leases()).toEqual([]), 5_000)
  })
})
