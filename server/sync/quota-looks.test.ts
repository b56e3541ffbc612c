/** The quota of mailboxes is polled rarely, and reported once when it matters. */
import { expect, test } from 'vitest'
import { startHub } from '../../test/support/event-hub.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import { MailboxFull } from '../imap/gateway-capabilities.ts'
import { createLogger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { QuotaLooks } from './quota-looks.ts'
import { ServerBook } from './server-book.ts'
import { ServerService } from './server-service.ts'
import { ServerStore } from './server-store.ts'

const logger = createLogger('silent')
const { signal } = new AbortController()
const login = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' } as const
const limits = { connection_timeout_seconds: 5, max_connections: 20, connection_pool_size: 5 }
const hour = 60 * 60_000

async function start() {
  const { hub, db } = await startHub()
  await keepAccount(db, 'a')
  const clock = { now: Date.parse('2026-11-28T12:00:00Z') }
  const now = () => clock.now
  const gateway = new MemoryGateway()
  gateway.offers = ['IDLE', 'QUOTA']
  let looks = 0
  gateway.delay = step => void (step === 'quota' && looks++)
  const book = new ServerBook({ store: new ServerStore(db), hub, logger, now })
  await book.start()
  const health = { setConnections: () => undefined }
  const pool = new ConnectionPool({ gateway, login: async () => login, limits, health, logger, memory: book })
  const quotas = new QuotaLooks({ book, pool, hub, logger, now })
  const told: string[] = []
  hub.listen('quota_changed', ({ level, percent }) => told.push(`${level} ${percent}`))
  const connect = () => pool.run('a', 'interactive', one => one.listFolders(), signal)
  /** An hour later. */
  const at = async (percent: number) => {
    clock.now += hour
    gateway.quota = { bytes: { used: percent, limit: 100 }, messages: { used: 1, limit: 1_000 } }
    await quotas.look(signal)
  }
  const stop = async () => {
    await pool.stop()
    await book.stop()
  }
  return { book, pool, gateway, quotas, told, connect, at, clock, stop, looks: () => looks }
}

test('nearly full is told once until it falls below 85 %, and full beside it', async () => {
  const { at, told, connect, stop, book } = await start()
  await connect()
  for (const percent of [10, 89, 90, 95, 88, 91, 85]) await at(percent)
  await expect.poll(() => told).toEqual(['nearly_full 90'])
  for (const percent of [100, 120, 99, 97, 84, 50]) await at(percent)
  await expect.poll(() => told).toEqual(['nearly_full 90', 'full 100', 'nearly_full 97', 'ok 84'])
  const account = { id: 'a', smtp: null }
  const service = new ServerService(book, { get: async () => account as never })
  expect(await service.get({} as Principal, 'a')).toMatchObject({
    imap: { capabilities: { idle: true, quota: true, move: false } },
    smtp: null,
    quota: { level: 'ok', percent: 50, used_bytes: 50, limit_bytes: 100, used_messages: 1, limit_messages: 1_000 },
  })
  await stop()
})

test('it is looked at once an hour at most, never without a connection, and sooner when there was no room', async () => {
  const { quotas, clock, connect, gateway, pool, stop, looks, told, at } = await start()
  await quotas.look(signal)
  expect(looks()).toBe(0)
  await connect()
  gateway.quota = { bytes: { used: 93, limit: 100 }, messages: undefined }
  for (let minute = 0; minute < 60; minute++) {
    await quotas.look(signal)
    clock.now += 60_000
  }
  expect(looks()).toBe(1)
  await quotas.look(signal)
  expect(looks()).toBe(2)
  quotas.start()
  const refused = () =>
    pool.runOnce('a', 'background', async () => Promise.reject(new MailboxFull('NO [OVERQUOTA] x')), signal)
  await expect(refused()).rejects.toBeInstanceOf(MailboxFull)
  await quotas.stop()
  await quotas.look(signal)
  expect(looks()).toBe(2)
  clock.now += 60_000
  await quotas.look(signal)
  expect(looks()).toBe(3)
  await expect.poll(() => told).toEqual(['nearly_full 93', 'full 93'])
  // A server without quota is never polled.
  gateway.offers = ['IDLE']
  gateway.cut()
  await connect()
  await at(100)
  expect(looks()).toBe(3)
  await stop()
})
