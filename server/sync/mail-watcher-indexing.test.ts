/** Watchers of accounts beside their indexes and chosen folders: started, stopped and replaced together. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { startHub } from '../../test/support/event-hub.ts'
import { WatchedAccounts } from '../../test/support/watched-accounts.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import type { LeaseClaim } from '../leases/lease-service.ts'
import { createLogger } from '../platform/logger.ts'
import { FolderStateStore } from './folder-state-store.ts'
import { type Indexer, MailWatcher, type MailWatcherOptions } from './mail-watcher.ts'

const login: MailLogin = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' }
const account = { id: 'a', name: 'a', host: 'memory', port: 143, user: 'a', watchedFolders: ['Archive'] }

async function startWatcher(more: Partial<MailWatcherOptions> = {}, unsettled: string[] = []) {
  const gateway = new MemoryGateway()
  const { hub, db } = await startHub()
  const mail = new WatchedAccounts({ gateway, logins: new Map([['a', login]]) }, { hub, db })
  const { pool, refs, health } = mail
  /** What each indexer, in order, was told of. */
  const noticed: string[][] = []
  const indexerOf = (): Indexer => {
    const own: string[] = []
    noticed.push(own)
    return {
      ...{ start: () => undefined, stop: async () => undefined, notice: path => void own.push(path) },
      ...{ lookEvery: () => undefined, renew: () => undefined, arrive: async () => undefined as never },
      ...{ isComplete: false, noteCompared: async () => undefined },
    } as Indexer
  }
  const settle = vi.fn(async (id: string) => {
    if (id === 'failing') throw new Error('the disk is full')
  })
  const watcher = new MailWatcher({
    accounts: { listEnabled: async () => [account], onReconnect: () => () => undefined },
    states: new FolderStateStore(db),
    ...{ pool, hub, refs, health, logger: createLogger('silent') },
    backoff: { firstMs: 1, maxMs: 20, random: () => 1 },
    indexing: { indexerOf, listUnsettled: async () => unsettled, settle },
    ...more,
  })
  onTestFinished(async () => {
    await watcher.stop()
    await mail.stop()
  })
  await watcher.start()
  const watches = () => [...gateway.connections].filter(({ isWatching }) => isWatching).length
  return { gateway, mail, noticed, settle, watches }
}

test('what a lowered level left is removed at the start, and a failure of that keeps nothing from being watched', async () => {
  const { settle, watches } = await startWatcher({}, ['failing', 'a'])
  await expect.poll(watches).toBe(2)
  expect(settle.mock.calls.map(([id]) => id)).toEqual(['failing', 'a'])
})

test('after the level has changed, the chosen folders are watched for the new index', async () => {
  const { gateway, mail, noticed, settle, watches } = await startWatcher()
  await expect.poll(watches).toBe(2)
  mail.announce('account_updated', 'a', ['index_level'])
  await expect.poll(() => noticed.length).toBe(2)
  await expect.poll(watches).toBe(2)
  await expect.poll(() => noticed[1]).toContain('Archive')
  const before = noticed[0]!.length
  noticed[1]!.length = 0
  gateway.deliver({}, 'Archive')
  await expect.poll(() => noticed[1]).toEqual(['Archive'])
  expect([noticed[0]!.length, settle.mock.calls]).toEqual([before, [['a']]])
})

test('a process that gets the lease later watches the chosen folders too, and none without it', async () => {
  let heard: { won?(): void; lost?(): void } | undefined
  let isHeld = false
  const lease = { name: 'watch:a', fence: async () => undefined }
  const claim = { find: () => (isHeld ? lease : undefined), giveBack: async () => undefined } as unknown as LeaseClaim
  const leases = {
    want: (_name: string, listener: object) => {
      heard = listener
      return claim
    },
  } as NonNullable<MailWatcherOptions['leases']>
  const { noticed, watches, mail } = await startWatcher({ leases })
  mail.announce('account_updated', 'a', ['index_level'])
  await expect.poll(() => noticed.length).toBe(2)
  mail.announce('account_updated', 'a', ['watched_folders'])
  await expect.poll(() => heard !== undefined).toBe(true)
  expect([watches(), noticed]).toEqual([0, [[], []]])
  isHeld = true
  heard?.won?.()
  await expect.poll(watches).toBe(2)
  await expect.poll(() => noticed[1]).toContain('Archive')
  isHeld = false
  heard?.lost?.()
  await expect.poll(watches).toBe(0)
})

test('a stop while INBOX is being opened ends the connection', async () => {
  const gateway = new MemoryGateway()
  const mail = new WatchedAccounts({ gateway, logins: new Map([['a', login]]) }, await startHub())
  onTestFinished(() => mail.stop())
  const [asked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  gateway.delay = step => {
    if (step !== 'watch') return undefined
    asked.resolve()
    return held.promise
  }
  await mail.watcher.start()
  await asked.promise
  const stopped = mail.watcher.stop()
  held.resolve()
  await stopped
  expect(gateway.connections.size).toBe(0)
})

test('a retry that is requested for an account that is not watched yet starts to watch it', async () => {
  const [gateway, logins] = [new MemoryGateway(), new Map<string, MailLogin>()]
  const mail = new WatchedAccounts({ gateway, logins }, await startHub())
  onTestFinished(() => mail.stop())
  await mail.watcher.start()
  logins.set('a', login)
  mail.reconnect('a')
  await expect.poll(() => [...gateway.connections].filter(({ isWatching }) => isWatching).length).toBe(1)
})
