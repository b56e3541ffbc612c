/** One of several processes watches an account, and another takes over when it is gone. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { startHub } from '../../test/support/event-hub.ts'
import { keepAccount, WatchedAccounts } from '../../test/support/watched-accounts.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { LeaseService, type LeaseServiceOptions } from '../leases/lease-service.ts'
import { LeaseStore } from '../leases/lease-store.ts'
import type { Database } from '../platform/database/database.ts'
import { LeaseLost } from '../platform/lease.ts'
import { createLogger } from '../platform/logger.ts'
import { FolderStateStore } from './folder-state-store.ts'
import { MailWatcher } from './mail-watcher.ts'

const logger = createLogger('silent')
const login: MailLogin = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' }

const quick = { leaseMs: 3_600_000, renewEveryMs: 10, marginMs: 0 }
/** A lease that expires before the next statement, which its holder does not notice during a test. */
const unnoticed = { leaseMs: 0, renewEveryMs: 3_600_000, marginMs: 0 }

interface ServerOptions {
  gateway?: MemoryGateway
  leases?: LeaseService
}

function leasesOn(db: Database, options: Partial<LeaseServiceOptions> = {}) {
  return new LeaseService({
    store: new LeaseStore(db),
    isAlone: false,
    renews: true,
    times: quick,
    logger,
    ...options,
  })
}

/** A server of several: with a hub and connections of its own. */
async function startServer(db: Database, { gateway = new MemoryGateway(), leases = leasesOn(db) }: ServerOptions = {}) {
  await keepAccount(db, 'a')
  const logins = new Map([['a', login]])
  const mail = new WatchedAccounts({ gateway, logins }, await startHub(db))
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
    backoff: { firstMs: 1, maxMs: 20, random: () => 1 },
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

const positionIn = (db: Database) => db.selectFrom('folder_states').selectAll().execute()
const announcedIn = async (db: Database) => {
  const rows = await db
    .selectFrom('events')
    .select('data')
    .where('type', '=', 'mail_received')
    .orderBy('number')
    .execute()
  return rows.map(({ data }) => JSON.parse(data).uid as number)
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

  test('a stale watcher writes neither facts nor the position, and what it could not announce the next one does, once', async () => {
    const db = await open()
    const gateway = new MemoryGateway()
    const stale = await startServer(db, { gateway, leases: leasesOn(db, { isAlone: true, times: unnoticed }) })
    await expect.poll(() => positionIn(db)).toHaveLength(1)
    const before = gateway.deliver()
    await expect.poll(() => stale.mail.receivedBy()).toEqual([before])
    const position = await positionIn(db)

    // Another process has taken over, but watches nothing yet: only the lease stops the first one from writing.
    const taking = leasesOn(db)
    taking.want('watch:a')
    await taking.start()
    const writes = vi.spyOn(stale.mail.hub, 'transact')
    const refusals = () => writes.mock.settledResults.filter(({ value }) => value instanceof LeaseLost).length
    const missed = [gateway.deliver(), gateway.deliver()]
    await expect.poll(refusals).toBeGreaterThan(0)
    expect([await announcedIn(db), await positionIn(db)]).toEqual([[before], position])
    await taking.stop()

    await startServer(db, { gateway })
    await expect.poll(() => announcedIn(db)).toEqual([before, ...missed])
    const refusedUntilNow = refusals()
    const late = gateway.deliver()
    await expect.poll(() => announcedIn(db)).toEqual([before, ...missed, late])
    await expect.poll(refusals).toBeGreaterThan(refusedUntilNow)
    expect(await announcedIn(db)).toEqual([before, ...missed, late])
    expect(writes.mock.settledResults.filter(({ type }) => type === 'fulfilled')).toEqual([])
  })

  test('mail that comes while the lease is late is announced when it is there again', async () => {
    const db = await open()
    const gateway = new MemoryGateway()
    let isLate = false
    class LateService extends LeaseService {
      override want(...given: Parameters<LeaseService['want']>) {
        const claim = super.want(...given)
        return { ...claim, find: () => (isLate ? undefined : claim.find()) }
      }
    }
    const late = new LateService({ store: new LeaseStore(db), isAlone: false, renews: true, times: quick, logger })
    const { mail } = await startServer(db, { gateway, leases: late })
    await expect.poll(() => positionIn(db)).toHaveLength(1)
    const first = gateway.deliver()
    await expect.poll(() => announcedIn(db)).toEqual([first])
    const writes = vi.spyOn(mail.hub, 'transact')
    isLate = true
    const second = gateway.deliver()
    await expect.poll(() => writes.mock.settledResults.some(({ value }) => value instanceof LeaseLost)).toBe(true)
    expect(await announcedIn(db)).toEqual([first])
    isLate = false
    await expect.poll(() => announcedIn(db)).toEqual([first, second])
  })

  test('of an account that was removed no lease is left', async () => {
    const db = await open()
    const { mail, watching } = await startServer(db)
    await expect.poll(watching).toBe(1)
    mail.announce('account_removed')
    const leases = () => db.selectFrom('leases').select('name').execute()
    await vi.waitFor(async () => expect(await leases()).toEqual([]))
  })
})
